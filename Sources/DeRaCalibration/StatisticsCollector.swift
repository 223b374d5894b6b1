import DeRa
import DeRaConversion
import DeRaKernels
import DeRaModelSpec
import DeRaPlatform
import DeRaQuantization
import DeRaTensorCore
import DeRaTransformer

/// Runs the reference model of a bundle over sequences of tokens and collects what its matrices are given.
///
/// Every token counts, the first of a sequence too: many models park attention on it and give it inputs a thousand times as
/// large as any other's. Left out, its directions look free to take the errors of all others (SmolLM2 in int4: a mean KL of
/// 0.58 instead of 0.22).
///
/// It goes through the layers one after another with all sequences: only the Gram matrices of one layer are in memory at a
/// time (`GramMatrix` bounds each), besides the hidden states `[tokens, hiddenSize]`. Each is decomposed as soon as it is
/// complete, and the factors are kept in scratch memory that the system may write to the disk.
package final class StatisticsCollector {
  /// Tokens of a sequence: those of a pass.
  package static let sequenceTokens = 512
  /// A text's tokens from here on are not used.
  package static let tokenLimit = 1 << 15

  /// Called with a part of 1; what it throws ends the collection.
  package typealias Progress = (Double) throws -> Void

  private let decoder: Decoder
  private let sequences: [[Int32]]
  private let state: DecoderState
  private let cache: KVCache
  /// One for each of `MatrixInput`, used for all layers.
  private let grams: [GramMatrix]
  private let scratchPath: String
  private var feedback: [String: ErrorFeedback] = [:]

  /// - Parameters:
  ///   - sequences: token ids, at most `sequenceTokens` each.
  ///   - scratchPath: a name in a directory where scratch memory may be written.
  /// - Throws: `TensorError` when the buffers cannot be had, `CalibrationError.textTooShort` or
  ///   `.tokenOutsideVocabulary`.
  package init(bundle: ModelBundle, sequences: [[Int32]], engine: Engine, scratchPath: String) throws {
    let configuration = bundle.configuration
    let vocabulary = configuration.vocabularySize
    for sequence in sequences {
      precondition(sequence.count <= Self.sequenceTokens, "a sequence is longer than a pass")
      // A tokenizer may name ids that the model has no embedding for.
      if let id = sequence.first(where: { !(0..<vocabulary).contains(Int($0)) }) {
        throw CalibrationError.tokenOutsideVocabulary(id, rows: vocabulary)
      }
    }
    self.sequences = sequences.filter { !$0.isEmpty }
    guard let longest = self.sequences.map(\.count).max() else {
      throw CalibrationError.textTooShort(fitted: 0, held: 0, needed: CalibrationTokens.leastHeld)
    }
    decoder = bundle.decoder
    state = try DecoderState(decoder, engine: engine, maxColumns: longest, maxOutputs: 1, context: longest)
    cache = try KVCache(configuration, capacity: longest)
    grams = MatrixInput.allCases.map { GramMatrix(columns: $0.width(configuration)) }
    self.scratchPath = scratchPath
  }

  /// Does all of it.
  /// - Parameter text: the source of the sequences, for the record.
  /// - Throws: `FileError` when scratch memory cannot be had, and what `progress` throws.
  package func collect(text: [UInt8], progress: Progress = { _ in }) throws -> CalibrationStatistics {
    try forEachGram(progress: progress, keep)
    return CalibrationStatistics(
      text: text, tokens: sequences.reduce(0) { $0 + $1.count }, feedback: feedback)
  }

  /// Gram matrices that are complete, each with the names of the matrices that read its input.
  package typealias Complete = [(names: [String], gram: GramMatrix)]

  /// Calls `body` with those of every layer and at last with the output matrix's; they are used again afterwards.
  package func forEachGram(progress: Progress = { _ in }, _ body: (Complete) throws -> Void) throws {
    let width = decoder.configuration.hiddenSize
    let tokens = sequences.reduce(0) { $0 + $1.count }
    let hidden = UnsafeMutablePointer<Float>.allocate(capacity: tokens * width)
    defer { hidden.deallocate() }
    let final = GramMatrix(columns: width)
    let (grams, pool) = (grams, state.engine.pool)
    state.inputObserver = { Self.add($1, to: grams[$0.rawValue], pool) }
    defer { state.inputObserver = nil }
    let layers = decoder.configuration.layers
    for layer in 0..<layers {
      for gram in grams { gram.clear() }
      var done = 0
      for sequence in sequences {
        run(sequence, layer: layer, hidden: hidden + done * width)
        if layer == layers - 1 { Self.add(state.final.slice(columns: sequence.indices), to: final, pool) }
        done += sequence.count
        try progress((Double(layer) + Double(done) / Double(tokens)) / Double(layers))
      }
      try body(
        MatrixInput.allCases.map { input in (input.names(layer: layer), grams[input.rawValue]) })
    }
    let output: ModelTensor = decoder.configuration.tiesEmbeddings ? .embedding : .output
    try body([([output.name], final)])
  }

  /// Takes a sequence through a layer.
  /// - Parameter hidden: `[tokens, hiddenSize]`, the layer's input, which becomes its output.
  private func run(_ sequence: [Int32], layer: Int, hidden: UnsafeMutablePointer<Float>) {
    let width = decoder.configuration.hiddenSize
    if layer > 0 {
      for column in sequence.indices { state.hidden.column(column).update(from: hidden + column * width, count: width) }
    }
    cache.truncate(to: 0)
    sequence.withUnsafeBufferPointer { tokens in
      guard let ids = tokens.baseAddress else { return }
      let run = Run(model: 0, cache: cache, tokens: ids, count: tokens.count)
      withUnsafePointer(to: run) {
        decoder.forward(UnsafeBufferPointer(start: $0, count: 1), layers: layer..<layer + 1, in: state)
      }
    }
    for column in sequence.indices { (hidden + column * width).update(from: state.hidden.column(column), count: width) }
  }

  /// Decomposes complete Gram matrices and keeps the results under the names of the matrices that read those inputs.
  private func keep(_ complete: Complete) throws {
    let memories = try complete.map {
      try ScratchMemory(
        byteCount: ErrorFeedback.factorCount(of: $0.gram) * MemoryLayout<Float>.size, beside: scratchPath)
    }
    var results = [ErrorFeedback?](repeating: nil, count: complete.count)
    results.withUnsafeMutableBufferPointer { results in
      let job = DecompositionJob(grams: complete.map(\.gram), memories: memories, results: results)
      state.engine.pool.run(job, chunks: complete.count)
    }
    for (part, result) in zip(complete, results) {
      for name in part.names { feedback[name] = result }
    }
  }

  private static func add(_ panel: Panel, to gram: GramMatrix, _ pool: ThreadPool) {
    gram.addTokens(panel.columns)
    pool.run(GramJob(gram: gram, panel: panel), chunks: gram.strips)
  }
}

/// The products of a panel, a strip a chunk.
private struct GramJob: ParallelJob {
  let gram: GramMatrix
  let panel: Panel

  func run(chunk: Int, thread: Int) {
    gram.add(strip: chunk, inputs: panel.values, stride: panel.stride, tokens: panel.columns)
  }
}

/// The factors of some Gram matrices, one a chunk.
private struct DecompositionJob: ParallelJob {
  let grams: [GramMatrix]
  let memories: [ScratchMemory]
  let results: UnsafeMutableBufferPointer<ErrorFeedback?>

  func run(chunk: Int, thread: Int) {
    let memory = memories[chunk].bytes.bindMemory(to: Float.self)
    results[chunk] = ErrorFeedback(grams[chunk], memory: memory, owner: memories[chunk])
  }
}

extension MatrixInput {
  /// Names of the matrices that read it in a layer.
  fileprivate func names(layer: Int) -> [String] {
    ModelTensor.allCases.filter { $0.input == self }.map { $0.name(layer: layer) }
  }

  fileprivate func width(_ configuration: ModelConfiguration) -> Int {
    switch self {
    case .attention, .feedForward: configuration.hiddenSize
    case .attentionOutput: configuration.queryWidth
    case .down: configuration.feedForwardSize
    }
  }
}

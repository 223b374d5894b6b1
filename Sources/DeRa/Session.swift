import Kernels
import TensorCore
import Transformer

/// One sequence being read and written under a bundle's models.
///
/// Each model has a KV cache of its own that is brought up to date only when the model is needed: λ = 0 and λ = 1 run one
/// model alone, and a λ that changes between tokens makes the model that was left out catch up. λ is an argument of every
/// call, never state.
public final class Session {
  public let bundle: ModelBundle
  /// Most tokens the sequence can have.
  public let contextLength: Int
  public private(set) var tokens: [Int32] = []

  let state: DecoderState
  let caches: [KVCache]
  /// Final hidden state of the last token each model has run, `[models, hiddenSize]`.
  private let hidden: UnsafeMutablePointer<Float>
  /// How many tokens that state is the result of; 0 for none.
  private let hiddenCounts: UnsafeMutableBufferPointer<Int>
  let runs: UnsafeMutableBufferPointer<Run>
  let terms: UnsafeMutableBufferPointer<BlendTerm>

  /// Tokens a pass computes at most, for all its models together: enough to make a matrix's bytes pay, few enough to
  /// keep scratch memory small.
  static let passColumns = 128
  /// Up to here every position is exact as f32, which rotations are computed from.
  public static let maximumContext = 1 << 24

  /// - Parameters:
  ///   - contextLength: most tokens of the sequence; its KV memory is reserved for that.
  ///   - cacheCodec: how keys and values are held.
  ///   - maxOutputs: positions whose logits `forEachLogits` computes together.
  /// - Throws: `SessionError.outOfMemory` when caches or buffers cannot be had.
  public init(
    bundle: ModelBundle, contextLength: Int, engine: Engine, maxOutputs: Int = 1, cacheCodec: CacheCodec = .f16
  ) throws(SessionError) {
    let decoder = bundle.decoder
    let models = decoder.models.count
    do {
      guard (1...Self.maximumContext).contains(contextLength) else {
        throw TensorError.badShape(
          "a context of \(contextLength) tokens is impossible; give 1 to \(Self.maximumContext)")
      }
      var caches: [KVCache] = []
      let maxColumns = max(models, min(Self.passColumns, contextLength * models))
      for _ in 0..<models {
        caches.append(
          try KVCache(decoder.configuration, capacity: contextLength, codec: cacheCodec, longestRun: maxColumns))
      }
      self.caches = caches
      state = try DecoderState(
        decoder, engine: engine, maxColumns: maxColumns, maxOutputs: maxOutputs, context: contextLength)
    } catch {
      throw .outOfMemory("\(error)")
    }
    self.bundle = bundle
    self.contextLength = contextLength
    tokens.reserveCapacity(contextLength)
    hidden = .allocate(capacity: models * decoder.configuration.hiddenSize)
    hiddenCounts = .allocate(capacity: models)
    hiddenCounts.initialize(repeating: 0)
    runs = .allocate(capacity: models)
    terms = .allocate(capacity: models * maxOutputs)
  }

  deinit {
    hidden.deallocate()
    hiddenCounts.deallocate()
    runs.deallocate()
    terms.deallocate()
  }

  /// Adds tokens; nothing is computed before logits are asked for.
  /// - Throws: `SessionError.contextFull` (nothing is added) or `.invalidToken`.
  public func append(_ new: some Collection<Int32>) throws(SessionError) {
    guard tokens.count + new.count <= contextLength else {
      throw .contextFull(tokens: tokens.count + new.count, limit: contextLength)
    }
    let vocabulary = bundle.decoder.configuration.vocabularySize
    if let token = new.first(where: { $0 < 0 || $0 >= vocabulary }) {
      throw .invalidToken(token, vocabularySize: vocabulary)
    }
    tokens.append(contentsOf: new)
  }

  /// Forgets every token from `count` on; what is cached of the others stays.
  public func truncate(to count: Int) {
    guard count < tokens.count else { return }
    tokens.removeSubrange(max(count, 0)...)
    for model in caches.indices {
      caches[model].truncate(to: tokens.count)
      // What follows may have the same length and be another text.
      if hiddenCounts[model] > tokens.count { hiddenCounts[model] = 0 }
    }
  }

  /// Blended logits of the token after the last, `[vocabularySize]`, valid until the next call. The caller may change them.
  /// - Throws: `SessionError.empty` without a token.
  public func logits(_ realignment: Realignment) throws(SessionError) -> UnsafeMutableBufferPointer<Float> {
    guard !tokens.isEmpty else { throw .empty }
    let count = activeTerms(realignment)
    advance(models: count)
    let configuration = bundle.decoder.configuration
    for term in 0..<count {
      terms[term].hidden = UnsafePointer(hidden + terms[term].model * configuration.hiddenSize)
    }
    let panel = bundle.decoder.logits(UnsafeBufferPointer(rebasing: terms[0..<count]), outputs: 1, in: state)
    return UnsafeMutableBufferPointer(start: panel.column(0), count: configuration.vocabularySize)
  }

  /// The models a λ needs with their weights, the reference with what the others leave; returns how many.
  ///
  /// A model of weight 0 is left out: its cost is saved, and λ = 1 is the aligned model alone to the bit.
  func activeTerms(_ realignment: Realignment) -> Int {
    precondition(realignment.lambdas.count == caches.count - 1)
    var count = 0
    for model in caches.indices {
      let weight = model == 0 ? realignment.referenceWeight : realignment.lambdas[model - 1]
      if weight == 0 { continue }
      terms.initializeElement(at: count, to: BlendTerm(model: model, hidden: UnsafePointer(hidden), weight: weight))
      count += 1
    }
    return count
  }

  /// Runs the first `count` terms' models up to the last token and keeps its hidden state.
  private func advance(models count: Int) {
    let width = bundle.decoder.configuration.hiddenSize
    for term in 0..<count {
      let model = terms[term].model
      // The state was lost (another continuation was tried): the last token has to run again.
      if hiddenCounts[model] != tokens.count { caches[model].truncate(to: tokens.count - 1) }
    }
    tokens.withUnsafeBufferPointer { tokens in
      while true {
        let used = collectRuns(models: count, tokens)
        if used == 0 { return }
        bundle.decoder.forward(UnsafeBufferPointer(rebasing: runs[0..<used]), in: state)
        var column = 0
        for run in runs[0..<used] {
          column += run.count
          guard caches[run.model].length == tokens.count else { continue }
          (hidden + run.model * width).update(from: state.final.column(column - 1), count: width)
          hiddenCounts[run.model] = tokens.count
        }
      }
    }
  }

  /// The next run of every model that is behind, the columns of a pass divided evenly.
  private func collectRuns(models count: Int, _ tokens: UnsafeBufferPointer<Int32>) -> Int {
    var used = 0
    for term in 0..<count {
      let cache = caches[terms[term].model]
      let missing = tokens.count - cache.length
      guard missing > 0, let base = tokens.baseAddress else { continue }
      runs.initializeElement(
        at: used,
        to: Run(
          model: terms[term].model, cache: cache, tokens: base + cache.length,
          count: min(missing, state.maxColumns / count)))
      used += 1
    }
    return used
  }
}

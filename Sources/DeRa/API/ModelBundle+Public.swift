import DeRaKernels
import DeRaTensorCore

extension ModelBundle {
  /// Opens and validates a bundle, a `.dera` file or its packed form `.dera.lz4`, which is expanded once into the user's
  /// cache directory. Weights are not read.
  /// - Throws: `DeRaError.unreadableFile` or `.invalidBundle`, saying what is wrong with the file.
  public convenience init(path: String) throws {
    do {
      try self.init(mapping: try PackedBundle.bundleFile(of: path))
    } catch {
      throw DeRaError.wrapped(error, path: path)
    }
  }

  /// Names of the aligned models, in the bundle's order; λ is given for these.
  public var alignedModels: [String] { Array(manifest.models.dropFirst()) }

  /// Name of the reference model.
  public var referenceModel: String { manifest.models.first ?? "" }

  /// Longest sequence in tokens that the models were made for.
  public var contextLength: Int { configuration.contextLength }

  /// Tokens of the vocabulary; ids are smaller.
  public var vocabularySize: Int { configuration.vocabularySize }

  /// Whether conversations are laid out by the model's own template; otherwise their texts are joined.
  public var hasChatTemplate: Bool { manifest.chatTemplate != nil }

  /// Token ids of a prompt, with the special tokens that the model expects around it.
  /// - Throws: `DeRaError.noTokenizer`, `.templateFailed`.
  public func tokens(of prompt: Prompt) throws -> [Int32] { try tokens(of: prompt, limit: .max) }

  /// - Parameter limit: tokens that there is room for.
  /// - Throws: `DeRaError.promptTooLong` for a text whose length alone says that it has more.
  func tokens(of prompt: Prompt, limit: Int) throws -> [Int32] {
    try DeRaError.wrapping(path: path) {
      if case .tokens(let ids) = prompt { return ids }
      var format = try PromptFormat(self)
      format.tokenLimit = limit
      switch prompt {
      case .tokens(let ids): return ids
      case .text(let text): return try format.tokens(text: text)
      case .chat(let messages): return try format.tokens(messages: messages.map(\.forTemplate))
      }
    }
  }

  /// The text of token ids, without special tokens.
  /// - Throws: `DeRaError.noTokenizer`, `.invalidToken`.
  public func text(of tokens: [Int32]) throws -> String {
    guard let tokenizer else { throw DeRaError.noTokenizer(path: path) }
    if let id = tokens.first(where: { $0 < 0 || $0 >= vocabularySize }) {
      throw DeRaError.invalidToken(id, vocabularySize: vocabularySize)
    }
    var decoder = tokenizer.streamingDecoder(skipSpecial: true)
    return tokens.map { decoder.append($0) }.joined() + decoder.finish()
  }

  /// Recomputes every tensor's SHA-256, which reads the whole file.
  /// - Parameter progress: called with bytes done and bytes in all.
  /// - Throws: `DeRaError.damagedTensor` naming the first tensor that differs.
  public func verifyChecksums(progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }) throws {
    try DeRaError.wrapping(path: path) { try verify(progress: progress) }
  }

  /// A session: one conversation at a time, each of its answers under a λ of its own.
  /// - Parameters:
  ///   - context: most tokens of prompt and answer together; nil takes the models' own limit, at most 4,096. Keys and
  ///     values are reserved for it.
  ///   - threads: nil takes one for every fast core.
  ///   - options: how exactly it computes, what λ blends, and limits of memory.
  /// - Throws: `DeRaError.memoryLimit`, `.outOfMemory`, `.invalidOption`, `.unsupportedInstructionSet`.
  public func session(context: Int? = nil, threads: Int? = nil, options: SessionOptions = .init()) throws -> Session {
    try Session(self, context: context, threads: threads, options: options)
  }

  /// A batch: up to `sequences` answers at once, for which a matrix is read once.
  /// - Throws: as `session`.
  public func batch(
    sequences: Int, context: Int? = nil, threads: Int? = nil, options: SessionOptions = .init()
  ) throws -> Batch {
    try Batch(self, sequences: sequences, context: context, threads: threads, options: options)
  }
}

/// How a session or a batch computes.
public struct SessionOptions: Sendable, Hashable {
  /// How keys and values are kept.
  public enum KeyValueCoding: String, Sendable, Hashable { case f16, int8 }

  /// The ways in which matrices of integer codes take their input: int16 is closer to full precision and slower.
  public enum Activations: String, Sendable, Hashable { case int8, int16 }

  /// The coding of keys and values; int8 takes about half of the memory.
  public var keyValues = KeyValueCoding.f16
  /// nil takes what the bundle was made for.
  public var activations: Activations?
  /// The quantity that λ blends.
  public var blend = Blend.logits
  /// Most bytes the weights, keys and values and scratch memory may take together (`MemoryReport.total`), the program's
  /// other memory not counted; nil sets no limit.
  public var memoryLimit: Int?
  /// Most bytes of the weights that are kept in memory; the others are read again for every token, which is slow. nil leaves
  /// that to the system.
  public var residentLimit: Int?

  /// Options with defaults for what is not given.
  public init(
    keyValues: KeyValueCoding = .f16, activations: Activations? = nil, blend: Blend = .logits, memoryLimit: Int? = nil,
    residentLimit: Int? = nil
  ) {
    self.keyValues = keyValues
    self.activations = activations
    self.blend = blend
    self.memoryLimit = memoryLimit
    self.residentLimit = residentLimit
  }
}

extension ModelBundle {
  /// The sequences of a session or a batch.
  func decodingBatch(sequences: Int, context: Int?, threads: Int?, options: SessionOptions) throws -> DecodingBatch {
    let length = context ?? usualContext
    try SessionLimits.check("threads", threads ?? 1, SessionLimits.threads)
    try SessionLimits.check("context", length, SessionLimits.context)
    try SessionLimits.check("sequences", sequences, SessionLimits.sequences)
    return try DeRaError.wrapping(path: path) {
      let pool = ThreadPool(threads: threads ?? Processors.current.threads, processors: .current)
      let batch = try DecodingBatch(
        bundle: self, count: sequences, contextLength: length,
        engine: Engine(
          pool: pool, activations: options.activations.flatMap { ActivationCoding(rawValue: $0.rawValue) }),
        cacheCodec: options.keyValues.codec, blend: options.blend)
      if let limit = options.residentLimit { try batch.sessions[0].limitResidentWeights(to: limit) }
      if let limit = options.memoryLimit {
        let needed = batch.memory.total
        guard needed <= limit else { throw DeRaError.memoryLimit(needed: needed, limit: limit) }
      }
      return batch
    }
  }
}

extension SessionOptions.KeyValueCoding {
  var codec: CacheCodec {
    switch self {
    case .f16: .f16
    case .int8: .int8
    }
  }
}

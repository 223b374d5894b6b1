import DeRaKernels
import DeRaModelSpec
import DeRaTensorCore
import DeRaTransformer

/// One sequence being read and written under a bundle's models.
///
/// Each model has a KV cache of its own that is brought up to date only when the model is needed: λ = 0 and λ = 1 run one
/// model alone. λ is an argument of every call, never state: tokens and λ determine the logits to the bit, whatever was
/// asked for before.
///
/// A model's results are its own to the bit while it runs alone. Beside the reference, columns that enter a matrix which
/// both share are coded as differences, so that what 8-bit activations lose is common to both. The two are different
/// computations, so an aligned model that was cached in one way starts again when a λ needs it in the other: going from
/// λ = 0 or 1 to a blend costs one more pass over the text.
///
/// Blending weights there is one model with one cache, a mixture, and another λ makes the whole sequence run again.
package final class DecodingSession {
  package let bundle: ModelBundle
  /// Most tokens the sequence can have.
  package let contextLength: Int
  package private(set) var tokens: [Int32] = []

  /// Asked between the passes of a long text; false ends the call with `SessionError.cancelled`. What was computed stays
  /// cached, so asking again goes on from there. The sessions of a `DecodingBatch` have it in common.
  package var shouldContinue: (() -> Bool)? {
    get { workspace.shouldContinue }
    set { workspace.shouldContinue = newValue }
  }

  /// Another session of the same batch, whose text differs in the prompt: λ of the prompt blends what follows both.
  package var reference: DecodingSession?

  let workspace: Workspace
  /// The number that its first model has in the workspace's decoder.
  let firstModel: Int
  /// One for each of its models.
  let caches: [KVCache]
  /// Final hidden state of the last token each model has run, `[models, hiddenSize]`.
  private let hidden: UnsafeMutablePointer<Float>
  /// How many tokens that state is the result of; 0 for none.
  private let hiddenCounts: UnsafeMutableBufferPointer<Int>
  /// Whether what is cached of an aligned model was computed beside the reference, `[models]`.
  private let besides: UnsafeMutableBufferPointer<Bool>

  /// Tokens a pass computes at most, for all its models together: enough to make a matrix's bytes pay, few enough to
  /// keep scratch memory small.
  static let passColumns = 128
  /// Up to here every position is exact as f32, which rotations are computed from.
  package static let maximumContext = 1 << 24

  /// - Parameters:
  ///   - contextLength: most tokens of the sequence; its KV memory is reserved for that.
  ///   - maxOutputs: positions whose logits `forEachLogits` computes together.
  ///   - cacheCodec: how keys and values are held.
  ///   - blend: the quantity that λ blends.
  ///   - mixtures: λ that are kept at the same time when weights are blended, for `TeacherForcing`.
  /// - Throws: `SessionError.outOfMemory` when caches or buffers cannot be had.
  package convenience init(
    bundle: ModelBundle, contextLength: Int, engine: Engine, maxOutputs: Int = 1, cacheCodec: CacheCodec = .f16,
    blend: Blend = .logits, mixtures: Int = 1
  ) throws(SessionError) {
    do {
      guard (1...Self.maximumContext).contains(contextLength) else {
        throw TensorError.badShape(
          "a context of \(contextLength) tokens is impossible; give 1 to \(Self.maximumContext)")
      }
      let workspace = try Workspace(
        models: SessionModels(bundle, sessions: 1, blend: blend, mixtures: mixtures), contextLength: contextLength,
        engine: engine, maxOutputs: maxOutputs, cacheCodec: cacheCodec)
      try self.init(workspace, index: 0, contextLength: contextLength, cacheCodec: cacheCodec)
    } catch {
      throw .outOfMemory("\(error)")
    }
  }

  /// - Parameter index: the session's place among those of the workspace.
  /// - Throws: `TensorError` when the caches cannot be had.
  init(_ workspace: Workspace, index: Int, contextLength: Int, cacheCodec: CacheCodec) throws(TensorError) {
    let configuration = workspace.models.bundle.configuration
    let models = workspace.models.perSession
    var caches: [KVCache] = []
    for _ in 0..<models { caches.append(try workspace.cache(contextLength: contextLength, codec: cacheCodec)) }
    self.caches = caches
    self.workspace = workspace
    self.contextLength = contextLength
    firstModel = workspace.models.first(of: index)
    bundle = workspace.models.bundle
    tokens.reserveCapacity(contextLength)
    hidden = .allocate(capacity: models * configuration.hiddenSize)
    hiddenCounts = .allocate(capacity: models)
    hiddenCounts.initialize(repeating: 0)
    besides = .allocate(capacity: models)
    besides.initialize(repeating: false)
  }

  deinit {
    hidden.deallocate()
    hiddenCounts.deallocate()
    besides.deallocate()
  }

  /// The quantity that λ blends.
  package var blend: Blend { workspace.models.blend }

  /// Adds tokens; nothing is computed before logits are asked for.
  /// - Throws: `SessionError.contextFull` (nothing is added) or `.invalidToken`.
  package func append(_ new: some Collection<Int32>) throws(SessionError) {
    guard tokens.count + new.count <= contextLength else {
      throw .contextFull(tokens: tokens.count + new.count, limit: contextLength)
    }
    let vocabulary = bundle.configuration.vocabularySize
    if let token = new.first(where: { $0 < 0 || $0 >= vocabulary }) {
      throw .invalidToken(token, vocabularySize: vocabulary)
    }
    tokens.append(contentsOf: new)
  }

  /// Forgets every token from `count` on; what is cached of the others stays.
  package func truncate(to count: Int) {
    guard count < tokens.count else { return }
    tokens.removeSubrange(max(count, 0)...)
    for model in caches.indices {
      caches[model].truncate(to: tokens.count)
      // What follows may have the same length and be another text.
      if hiddenCounts[model] > tokens.count { hiddenCounts[model] = 0 }
    }
  }

  /// Blended logits of the token after the last, `[vocabularySize]`, valid until the next call. The caller may change them.
  /// - Parameter model: its own logits instead of the blend; λ needs it.
  /// - Throws: `SessionError.empty` without a token, `.cancelled` when `shouldContinue` said so.
  package func logits(
    _ realignment: Realignment, of model: Int? = nil
  ) throws(SessionError) -> UnsafeMutableBufferPointer<Float> {
    guard !tokens.isEmpty else { throw .empty }
    workspace.clear()
    try workspace.request(self, realignment)
    let panel = try workspace.logits(of: model)
    return UnsafeMutableBufferPointer(start: panel.column(0), count: bundle.configuration.vocabularySize)
  }
}

/// The session as the workspace sees it while stepping.
extension DecodingSession {
  /// Makes one of its mixtures that of a λ; what is cached of another λ is forgotten. Nothing where logits are blended.
  func mix(_ realignment: Realignment, at model: Int = 0) {
    guard blend == .weights, workspace.models.mix(realignment, at: firstModel + model) else { return }
    caches[model].truncate(to: 0)
    hiddenCounts[model] = 0
  }

  /// Whether a λ can go on from what is cached.
  package func continues(_ realignment: Realignment) -> Bool {
    blend == .logits || workspace.models.realignment(at: firstModel) == realignment
  }

  /// Keeps of the caches what models of these weights `[models]` can go on from.
  ///
  /// An aligned model goes on from what it computed in the same company only; beside the reference it takes the reference
  /// back to where it goes on, since both have to run the same tokens together.
  func prepare(_ weights: UnsafePointer<Float>) {
    let isBeside = weights[0] != 0
    var start = tokens.count
    for model in caches.indices where weights[model] != 0 {
      rewind(model)
      if model > 0 { setBeside(isBeside, model) }
      start = min(start, caches[model].length)
    }
    if isBeside { caches[0].truncate(to: start) }
  }

  /// Says whether an aligned model will run beside the reference; what it has cached of the other way is forgotten.
  func setBeside(_ isBeside: Bool, _ model: Int) {
    if besides[model] == isBeside { return }
    besides[model] = isBeside
    caches[model].truncate(to: 0)
  }

  /// Whether what is cached of an aligned model was computed beside the reference.
  func isBeside(_ model: Int) -> Bool { besides[model] }

  /// Makes the last token run again where the state it left was lost (another continuation was tried).
  private func rewind(_ model: Int) {
    if hiddenCounts[model] != tokens.count { caches[model].truncate(to: tokens.count - 1) }
  }

  /// The next `count` tokens of a model, written to `ids`.
  /// - Parameter cache: what the model runs with; the session's own if nil.
  func run(
    _ model: Int, cache: KVCache? = nil, sequence: Int, count: Int, ids: UnsafeMutablePointer<Int32>
  ) -> Run {
    let cache = cache ?? caches[model]
    for index in 0..<count { ids[index] = tokens[cache.length + index] }
    return Run(model: firstModel + model, sequence: sequence, cache: cache, tokens: ids, count: count)
  }

  /// A further cache like its own, for a model that runs in two ways.
  func anotherCache() throws(TensorError) -> KVCache {
    try workspace.cache(contextLength: contextLength, codec: cacheCodec)
  }

  /// Keeps a final hidden state `[hiddenSize]` if it is the last token's.
  func keep(_ state: UnsafePointer<Float>, model: Int) {
    guard caches[model].length == tokens.count else { return }
    let width = bundle.configuration.hiddenSize
    (hidden + model * width).update(from: state, count: width)
    hiddenCounts[model] = tokens.count
  }

  /// The hidden state that was kept last, `[hiddenSize]`.
  func hiddenState(_ model: Int) -> UnsafePointer<Float> {
    UnsafePointer(hidden + model * bundle.configuration.hiddenSize)
  }
}

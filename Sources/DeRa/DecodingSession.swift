import DeRaKernels
import DeRaModelSpec
import DeRaTensorCore
import DeRaTransformer

/// One sequence being read and written under a bundle's models.
///
/// Each model has a KV cache of its own that is brought up to date only when the model is needed: λ = 0 and λ = 1 run one
/// model alone, and a λ that changes between tokens makes the model that was left out catch up. λ is an argument of every
/// call, never state.
///
/// A model's results are its own to the bit while it runs alone. Beside the reference, columns that enter a matrix which
/// both share are coded as differences, so that what 8-bit activations lose is common to both.
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

  let workspace: Workspace
  /// The number that its first model has in the workspace's decoder.
  let firstModel: Int
  /// One for each of its models.
  let caches: [KVCache]
  /// Final hidden state of the last token each model has run, `[models, hiddenSize]`.
  private let hidden: UnsafeMutablePointer<Float>
  /// How many tokens that state is the result of; 0 for none.
  private let hiddenCounts: UnsafeMutableBufferPointer<Int>

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
        engine: engine, maxOutputs: maxOutputs)
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
    for _ in 0..<models {
      caches.append(
        try KVCache(
          configuration, capacity: contextLength, codec: cacheCodec, longestRun: workspace.state.maxColumns))
    }
    self.caches = caches
    self.workspace = workspace
    self.contextLength = contextLength
    firstModel = workspace.models.first(of: index)
    bundle = workspace.models.bundle
    tokens.reserveCapacity(contextLength)
    hidden = .allocate(capacity: models * configuration.hiddenSize)
    hiddenCounts = .allocate(capacity: models)
    hiddenCounts.initialize(repeating: 0)
  }

  deinit {
    hidden.deallocate()
    hiddenCounts.deallocate()
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
  /// - Throws: `SessionError.empty` without a token, `.cancelled` when `shouldContinue` said so.
  package func logits(_ realignment: Realignment) throws(SessionError) -> UnsafeMutableBufferPointer<Float> {
    guard !tokens.isEmpty else { throw .empty }
    workspace.clear()
    workspace.request(self, realignment)
    let panel = try workspace.logits()
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

  /// Makes the last token run again where the state it left was lost (another continuation was tried).
  func rewind(_ model: Int) {
    if hiddenCounts[model] != tokens.count { caches[model].truncate(to: tokens.count - 1) }
  }

  /// The next `count` tokens of a model, written to `ids`.
  func run(_ model: Int, sequence: Int, count: Int, ids: UnsafeMutablePointer<Int32>) -> Run {
    for index in 0..<count { ids[index] = tokens[caches[model].length + index] }
    return Run(model: firstModel + model, sequence: sequence, cache: caches[model], tokens: ids, count: count)
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

import DeRaKernels
import DeRaTensorCore
import DeRaTransformer

/// Several sequences of one bundle that step together, each with its own λ: a matrix is read once for all of them.
///
/// The sessions are ordinary ones, and what a sequence gets does not depend on the others, but for one that is the
/// `reference` of another.
package final class DecodingBatch {
  package let sessions: [DecodingSession]
  package let bundle: ModelBundle
  private let workspace: Workspace
  /// `[sessions]`: the numbers of a step's requests.
  private var requests: [Int]

  /// - Parameters:
  ///   - count: sequences.
  ///   - contextLength: most tokens of each.
  ///   - cacheCodec: how keys and values are held.
  ///   - blend: the quantity that λ blends.
  /// - Throws: `SessionError.outOfMemory` when caches or buffers cannot be had.
  package init(
    bundle: ModelBundle, count: Int, contextLength: Int, engine: Engine, cacheCodec: CacheCodec = .f16,
    blend: Blend = .logits
  ) throws(SessionError) {
    do {
      guard count > 0, (1...DecodingSession.maximumContext).contains(contextLength) else {
        throw TensorError.badShape(
          "\(count) sequences of \(contextLength) tokens are impossible; give at least 1 of 1 to \(DecodingSession.maximumContext)"
        )
      }
      let workspace = try Workspace(
        models: SessionModels(bundle, sessions: count, blend: blend, mixtures: 1),
        contextLength: contextLength, engine: engine, maxOutputs: count, cacheCodec: cacheCodec)
      self.workspace = workspace
      self.bundle = bundle
      var sessions: [DecodingSession] = []
      for index in 0..<count {
        sessions.append(
          try DecodingSession(workspace, index: index, contextLength: contextLength, cacheCodec: cacheCodec))
      }
      self.sessions = sessions
      requests = sessions.map { _ in 0 }
    } catch {
      throw .outOfMemory("\(error)")
    }
  }

  /// Most tokens of one text that a step computes; nil, as it is at first, computes every text to its end. With it, a step
  /// goes on with one of the texts that are behind, in turn, beside the next token of all others.
  package var longestStretch: Int? {
    get { workspace.longestStretch }
    set { workspace.longestStretch = newValue }
  }

  /// Tokens of one text that a pass has room for, beside the next token of every other session.
  package var longestUsefulStretch: Int {
    let models = workspace.models.perSession
    return (workspace.state.maxColumns - (sessions.count - 1) * models) / models
  }

  /// Computes the logits after the last token of every session that is given a λ.
  /// - Parameters:
  ///   - realignments: one for every session; nil leaves it out.
  ///   - model: its own logits instead of the blend; every λ given needs it.
  ///   - body: gets the session's index and its logits `[vocabularySize]`, which it may change. It is not called for a text
  ///     whose end the step does not reach.
  /// - Throws: `SessionError.empty` when one of them has no token, `.cancelled` when `shouldContinue` said so, and whatever `body` throws.
  package func logits(
    _ realignments: [Realignment?], of model: Int? = nil,
    _ body: (_ session: Int, _ logits: UnsafeMutableBufferPointer<Float>) throws -> Void
  ) throws {
    precondition(realignments.count == sessions.count, "one λ, or nil, for every session")
    workspace.clear()
    for (index, session) in sessions.enumerated() {
      guard let realignment = realignments[index] else { continue }
      if session.tokens.isEmpty { throw SessionError.empty }
      requests[index] = try workspace.request(session, realignment)
    }
    let panel = try workspace.logits(of: model)
    for index in sessions.indices where realignments[index] != nil {
      guard let column = workspace.output(of: requests[index]) else { continue }
      let vocabulary = bundle.configuration.vocabularySize
      try body(index, UnsafeMutableBufferPointer(start: panel.column(column), count: vocabulary))
    }
  }
}

import DeRa
import Kernels

/// Samples many texts at once at temperature 1, without truncation, so that they are draws from the blend itself.
public final class StorySampler {
  private let batch: Batch
  private let start: Int32
  private let ends: Set<Int32>

  /// - Parameters:
  ///   - blend: what λ blends.
  ///   - width: texts written at once; what they become does not depend on it.
  ///   - contextLength: a text that has not ended by then is cut.
  /// - Throws: `SessionError`, `EvaluationError.noStartToken`.
  public init(bundle: ModelBundle, engine: Engine, blend: Blend = .logits, width: Int = 32, contextLength: Int = 320)
    throws
  {
    guard let tokenizer = bundle.tokenizer, let start = tokenizer.bosID ?? tokenizer.eosID else {
      throw EvaluationError.noStartToken
    }
    self.start = start
    ends = Set(bundle.manifest.endOfTextIDs.compactMap { Int32(exactly: $0) })
    batch = try Batch(bundle: bundle, count: width, contextLength: contextLength, engine: engine, blend: blend)
  }

  /// A text being written.
  private struct Slot {
    var index: Int
    var sampler: Sampler
    var token: Int32?
  }

  /// - Parameter seeds: one a text.
  /// - Returns: `[seeds]`, the beginning-of-text token, the text's tokens and, if it ended, the end-of-text token.
  /// - Throws: `SessionError`, `SamplingError`.
  public func sample(_ realignment: Realignment, seeds: Range<UInt64>) throws -> [[Int32]] {
    var texts = [[Int32]](repeating: [], count: seeds.count)
    var slots = [Slot?](repeating: nil, count: batch.sessions.count)
    var next = 0
    while true {
      for index in slots.indices where slots[index] == nil && next < seeds.count {
        slots[index] = try begin(next, seed: seeds.lowerBound + UInt64(next), batch.sessions[index])
        next += 1
      }
      if slots.allSatisfy({ $0 == nil }) { return texts }
      try batch.logits(slots.map { $0.map { _ in realignment } }) { index, logits in
        let token = try slots[index]?.sampler.sample(logits)
        slots[index]?.token = token
      }
      for (index, session) in batch.sessions.enumerated() {
        guard let slot = slots[index], let token = slot.token else { continue }
        if ends.contains(token) {
          texts[slot.index] = session.tokens + [token]
          slots[index] = nil
        } else {
          try session.append(CollectionOfOne(token))
          if session.tokens.count == session.contextLength {
            texts[slot.index] = session.tokens
            slots[index] = nil
          }
        }
      }
    }
  }

  private func begin(_ index: Int, seed: UInt64, _ session: Session) throws -> Slot {
    var options = SamplingOptions()
    options.temperature = 1
    options.topK = 0
    options.topP = 1
    options.seed = seed
    session.truncate(to: 0)
    try session.append(CollectionOfOne(start))
    return Slot(index: index, sampler: try Sampler(options))
  }
}

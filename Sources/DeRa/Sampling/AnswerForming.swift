import DeRaGrammar

/// An answer's way through the form that it must have.
struct AnswerForming {
  private let state: GrammarState
  private let ends: Set<Int32>
  private let vocabularySize: Int
  /// `[vocabulary / 32]`: a bit for each token that may come next.
  private var allowed: [UInt32]

  /// - Parameter ends: tokens that end the answer; they fit where it is complete.
  /// - Throws: `SamplingError.grammar`.
  init(_ constraint: AnswerConstraint, ends: Set<Int32>) throws(SamplingError) {
    self.ends = ends
    vocabularySize = constraint.vocabulary.size
    allowed = [UInt32](repeating: 0, count: constraint.vocabulary.wordCount)
    do throws(GrammarError) {
      state = try GrammarState(constraint.grammar, vocabulary: constraint.vocabulary)
    } catch {
      throw .grammar(error)
    }
  }

  /// Whether the answer is complete and nothing can follow.
  var isComplete: Bool { state.isFinished }

  /// Sets the logits of tokens that do not fit to −∞.
  /// - Parameter logits: `[vocabulary]`.
  /// - Throws: `SamplingError.grammar`; `.badOption` for the vocabulary of another bundle.
  mutating func mask(_ logits: UnsafeMutableBufferPointer<Float>) throws(SamplingError) {
    guard vocabularySize == logits.count else {
      throw .badOption(
        OptionProblem(
          "the constraint's vocabulary", "\(vocabularySize) tokens", allowed: "the model's, \(logits.count)"))
    }
    let state = state
    let ends = ends
    let mayEnd = state.mayEnd
    let failure = allowed.withUnsafeMutableBufferPointer { bits -> GrammarError? in
      do throws(GrammarError) { try state.fillMask(into: bits) } catch { return error }
      for id in ends where id >= 0 && Int(id) < logits.count {
        let bit: UInt32 = 1 << UInt32(id & 31)
        bits[Int(id >> 5)] = mayEnd ? bits[Int(id >> 5)] | bit : bits[Int(id >> 5)] & ~bit
      }
      return Self.apply(UnsafeBufferPointer(bits), to: logits) ? nil : .noToken
    }
    if let failure { throw .grammar(failure) }
  }

  /// - Throws: `SamplingError.grammar`.
  func advance(_ token: Int32) throws(SamplingError) {
    do throws(GrammarError) { try state.advance(token) } catch { throw .grammar(error) }
  }

  /// - Returns: whether a token is left.
  private static func apply(_ bits: UnsafeBufferPointer<UInt32>, to logits: UnsafeMutableBufferPointer<Float>) -> Bool {
    var isAnyLeft = false
    for word in bits.indices {
      let kept = bits[word]
      if kept != 0 { isAnyLeft = true }
      if kept == .max { continue }
      for index in (32 * word)..<min(32 * word + 32, logits.count) where kept >> UInt32(index & 31) & 1 == 0 {
        logits[index] = -.infinity
      }
    }
    return isAnyLeft
  }
}

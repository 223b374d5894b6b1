/// The length of the stretches in which prompts are read while answers are written: as long as pays, but no longer than
/// `patience` steps take, so that a long prompt slows the others down by a bounded factor.
struct Stretch {
  /// Steps without a prompt that a stretch may cost.
  static let patience = 10.0
  private static let shortest = 8
  /// Weight of a new measurement.
  private static let weight = 0.2

  /// Tokens that one pass has room for.
  let longest: Int
  private var stepSeconds: Double?
  private var tokenSeconds: Double?

  init(longest: Int) { self.longest = longest }

  /// - Parameter isAlone: no answer waits for the stretch.
  func length(isAlone: Bool) -> Int {
    guard !isAlone, let stepSeconds, let tokenSeconds, tokenSeconds > 0 else { return longest }
    return max(min(Int(Self.patience * stepSeconds / tokenSeconds), longest), min(Self.shortest, longest))
  }

  /// - Parameter promptTokens: tokens of prompts that the step computed beside `answers` tokens of answers.
  mutating func measured(_ seconds: Double, promptTokens: Int, answers: Int) {
    if promptTokens == 0 {
      if answers > 0 { stepSeconds = Self.mean(stepSeconds, seconds) }
    } else if let stepSeconds, answers > 0 {
      tokenSeconds = Self.mean(tokenSeconds, max(seconds - stepSeconds, 0) / Double(promptTokens))
    }
  }

  private static func mean(_ old: Double?, _ new: Double) -> Double { old.map { $0 + weight * (new - $0) } ?? new }
}

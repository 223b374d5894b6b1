import DeRaPlatform

/// Processor time that one text may take, whatever its tokenizer's patterns, added tokens and pieces make of it.
///
/// Steps of a regular expression cannot be counted across matches, and some scan a text without any step that counts. So
/// the thread's own time is the measure: far more than honest tokenizers take on the slowest machines.
struct WorkBudget {
  private static let allowance = 5.0
  /// Seconds for each byte of text: at most 100 KB a second, a hundredth of what a small ARM core does.
  private static let secondsPerByte = 1e-5
  /// Small pieces of work between two looks at the clock, which is a system call.
  private static let interval = 256

  private let end: Double
  private var left = interval

  init(bytes: Int) { end = Self.now + Self.allowance + Self.secondsPerByte * Double(bytes) }

  /// Whether time is up; looks only now and then.
  /// - Parameter weight: how much work was done since the last call, in matches of a word.
  mutating func isExhausted(after weight: Int = 1) -> Bool {
    left -= weight
    guard left <= 0 else { return false }
    left = Self.interval
    return Self.now > end
  }

  private static var now: Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}

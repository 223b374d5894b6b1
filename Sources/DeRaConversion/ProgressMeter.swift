/// Counts the bytes of one phase.
struct ProgressMeter {
  let phase: ConversionProgress.Phase
  let total: Int
  let handler: ConversionProgressHandler
  private var done = 0

  init(phase: ConversionProgress.Phase, total: Int, handler: @escaping ConversionProgressHandler) {
    self.phase = phase
    self.total = total
    self.handler = handler
  }

  /// - Throws: what the handler throws.
  mutating func advance(_ bytes: Int, _ item: String) throws { try jump(to: done + bytes, item) }

  /// - Throws: what the handler throws.
  mutating func jump(to done: Int, _ item: String) throws {
    self.done = min(done, total)
    try handler(ConversionProgress(phase: phase, item: item, done: self.done, total: total))
  }
}

import DeRaConsole
import Testing

@Suite struct ProgressLineTests {
  @Test(
    arguments: [
      (1, 100, 0.01, ""), (0, 100, 5, ""), (50, 100, 10, " · 10 s left"), (99, 100, 10, ""), (100, 100, 10, ""),
      (1, 1000, 1, " · 16 min 39 s left"),
    ] as [(Int, Int, Double, String)]) func timeLeft(done: Int, total: Int, seconds: Double, text: String)
  {
    #expect(ProgressLine.timeLeft(done: done, of: total, after: seconds) == text)
  }

  @Test(
    arguments: [
      ("packing blk.0", 13, "packing blk.0"), ("packing blk.0", 12, "packing blk…"), ("日本語", 5, "日本…"), ("abc", 1, "…"),
      ("abc", 0, ""), ("", 0, ""),
    ]) func cutTextsSaySo(text: String, room: Int, shown: String)
  {
    #expect(ProgressLine.shortened(text, to: room) == shown)
  }
}

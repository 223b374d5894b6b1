import DeRaText
import Testing

@Suite struct NumberTextTests {
  @Test(
    arguments: [
      (0, 2, "0.00"), (1.005, 1, "1.0"), (12.345, 2, "12.35"), (-0.04, 1, "0.0"), (-2.5, 0, "-3"), (0.07, 2, "0.07"),
      (-2.5, 2, "-2.50"), (1e300, 2, "1e+300"), (.nan, 1, "nan"), (-.infinity, 1, "-inf"),
    ] as [(Double, Int, String)]) func fixedDecimals(value: Double, decimals: Int, text: String)
  {
    #expect(fixed(value, decimals) == text)
  }

  @Test(arguments: [(0, "0"), (123.4, "123"), (0.000_020_9, "0.0000209"), (12.34, "12.3")] as [(Double, String)])
  func threeSignificantDigits(value: Double, text: String) { #expect(significant(value) == text) }

  @Test(
    arguments: [
      (0, "0"), (1.234e-6, "1.23e-6"), (-99_960, "-1.00e5"), (2, "2.00e0"), (.infinity, "inf"),
    ] as [(Double, String)]) func exponents(value: Double, text: String)
  { #expect(scientific(value) == text) }

  @Test(arguments: [(2, "2"), (0.5, "0.5"), (-1, "-1")] as [(Double, String)])
  func noMoreDigitsThanNeeded(value: Double, text: String) { #expect(shortest(value) == text) }

  @Test(arguments: [(4.2, "4 s"), (65, "1 min 5 s"), (7207, "2 h 0 min"), (.nan, "0 s")] as [(Double, String)])
  func durations(seconds: Double, text: String) { #expect(durationText(seconds) == text) }

  @Test(arguments: [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_234_567, "1.2 MB"), (382_000_000, "382 MB")])
  func bytesInDecimalUnits(bytes: Int, text: String) { #expect(byteText(bytes) == text) }

  @Test(arguments: [(38_123_456, "38.12"), (181_234_567, "181.2")])
  func millionsOfBytes(bytes: Int, text: String) { #expect(megabytes(bytes) == text) }

  @Test(arguments: [(17, "17"), (1500, "1.50 k"), (134_515_008, "134.52 M"), (7_000_000_000, "7.00 B")])
  func parameterCounts(count: Int, text: String) { #expect(countText(count) == text) }
}

import DeRaTensorCore
import Testing

@Suite struct CheckedSizeTests {
  @Test("products and sums that fit") func fits() throws {
    #expect(try CheckedSize.product(3, 4, 5) == 60)
    #expect(try CheckedSize.product(of: []) == 1)
    #expect(try CheckedSize.product(0, Int.max) == 0)
    #expect(try CheckedSize.sum(Int.max - 1, 1) == Int.max)
    #expect(try CheckedSize.aligned(0, to: 64) == 0)
    #expect(try CheckedSize.aligned(65, to: 64) == 128)
    #expect(try CheckedSize.aligned(128, to: 64) == 128)
  }

  @Test("negative factors and overflow are errors") func refusals() {
    #expect(throws: TensorError.self) { try CheckedSize.product(Int.max, 2) }
    #expect(throws: TensorError.self) { try CheckedSize.product(-1, 0) }
    #expect(throws: TensorError.self) { try CheckedSize.sum(Int.max, 1) }
    #expect(throws: TensorError.self) { try CheckedSize.sum(-1, 1) }
    #expect(throws: TensorError.self) { try CheckedSize.aligned(Int.max, to: 64) }
  }
}

@Suite struct ByteSizeTests {
  @Test(
    arguments: [
      ("120MB", 120_000_000), ("1.5 GB", 1_500_000_000), ("900MiB", 943_718_400), ("64kib", 65_536), ("40960", 40_960),
      ("2kb", 2000), ("7B", 7), ("1TB", 1_000_000_000_000), ("2TiB", 1 << 41),
    ] as [(String, Int)])
  func sizes(text: String, bytes: Int) { #expect(ByteSize(text)?.bytes == bytes) }

  @Test(
    arguments: [
      "", "MB", "-3MB", "0", "0.5", "1.2.3MB", "12 parsecs", "1e3", "99999999999GB", "٣MB", "nan", "inf", "1 2MB",
      "2.1", "120",
      "9999", "12000.5",
    ])
  func badSizes(text: String) { #expect(ByteSize(text) == nil) }

  @Test(
    "messages round up",
    arguments: [
      (999, "999 B"), (1000, "1.0 kB"), (1_186_816, "1.2 MB"), (1_200_000, "1.2 MB"), (999_950, "1.0 MB"),
      (7_000_000_001, "7.1 GB"),
    ])
  func texts(bytes: Int, text: String) {
    #expect(ByteSize.text(bytes) == text)
    #expect(bytes < 1000 || ByteSize(text).map { $0.bytes >= bytes } == true)
  }

  @Test("rounding up to whole steps", arguments: [(0, 32, 0), (1, 32, 32), (32, 32, 32), (33, 32, 64), (7, 1, 7)])
  func roundingUp(value: Int, step: Int, expected: Int) { #expect(value.roundedUp(toMultipleOf: step) == expected) }
}

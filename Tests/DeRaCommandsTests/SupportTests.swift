import DeRaCommands
import DeRaEvaluation
import Testing

@Suite struct SupportTests {
  @Test(
    arguments: [
      (0, 2, "0.00"), (1.005, 1, "1.0"), (12.345, 2, "12.35"), (-0.04, 1, "0.0"), (-2.5, 0, "-3"), (0.07, 2, "0.07"),
      (1e300, 2, "1e+300"),
    ] as [(Double, Int, String)]) func fixedDecimals(value: Double, decimals: Int, text: String)
  {
    #expect(fixed(value, decimals) == text)
  }

  @Test func unusualNumbersAreWordsNotCrashes() {
    #expect(fixed(.nan, 1) == "nan")
    #expect(fixed(-.infinity, 1) == "-inf")
  }

  @Test(arguments: [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_234_567, "1.2 MB"), (382_000_000, "382 MB")])
  func bytesInDecimalUnits(bytes: Int, text: String) { #expect(byteText(bytes) == text) }

  @Test(arguments: [(17, "17"), (1500, "1.50 k"), (134_515_008, "134.52 M"), (7_000_000_000, "7.00 B")])
  func parameterCounts(count: Int, text: String) { #expect(countText(count) == text) }

  @Test func tablesAlignWideCharacters() {
    var table = Table([.init("name", .left), .init("MB")])
    table.rows = [["模型", "1.5"], ["e\u{301}", "100"]]
    #expect(
      table.markdown == """
        | name |  MB |
        | :--- | --: |
        | 模型 | 1.5 |
        | e\u{301}    | 100 |

        """)
  }

  @Test func widths() {
    #expect(displayWidth("abc") == 3)
    #expect(displayWidth("日本") == 4)
    #expect(displayWidth("👍🏽") == 2)
    #expect(displayWidth("👨‍👩‍👧") == 2)
    #expect(displayWidth("é") == 1 && displayWidth("e\u{301}") == 1)
  }

  /// The expected bytes are those that `numpy.lib.format.write_array_header_1_0` writes for the shape (3, 5, 100).
  @Test func numpyHeaders() {
    let header = NumpyFile.header(shape: [3, 5, 100])
    #expect(header.count == 128)
    #expect(Array(header.prefix(10)) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, 118, 0])
    let text = String(decoding: header.dropFirst(10), as: UTF8.self)
    #expect(text.hasPrefix("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 5, 100), } "))
    #expect(text.hasSuffix(" \n"))
    #expect(NumpyFile.header(shape: [7]).count % 64 == 0)
    #expect(String(decoding: NumpyFile.header(shape: [7]), as: UTF8.self).contains("(7,)"))
  }
}

@Suite struct MemoryOptionTests {
  @Test func packingSaysWhenItIsPointless() {
    let good = PackReport(path: "a", bundleBytes: 1000, packedBytes: 880)
    #expect(good.text == "a: 1.0 kB packed into 880 B, 12.0 % saved")
    let poor = PackReport(path: "a", bundleBytes: 1000, packedBytes: 1010)
    #expect(poor.text.hasPrefix("a: 1.0 kB packed into 1.0 kB, -1.0 % saved\nThat is little"))
  }
}

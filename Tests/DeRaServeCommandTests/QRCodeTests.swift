import DeRaServeCommand
import DeRaTestSupport
import Testing

@Suite struct QRCodeTests {
  /// Libraries choose masks differently; each is valid.
  @Test func codesAreThoseOfAnotherLibraryWithOneOfTheMasks() throws {
    let lines = try Fixtures.text("qr/codes.txt").split(separator: "\n")
    var count = 0
    for start in stride(from: 0, to: lines.count, by: 9) {
      let code = try #require(QRCode(String(lines[start])))
      let rows = (0..<code.size).map { row in
        String((0..<code.size).reduce(0) { $0 << 1 | (code.isDark[row * code.size + $1] ? 1 : 0) }, radix: 16)
      }
      #expect(lines[start + 1..<start + 9].contains { $0 == rows.joined(separator: " ") }, "\(lines[start])")
      count += 1
    }
    #expect(count == 7)
  }

  @Test func longTextsHaveNone() { #expect(QRCode(String(repeating: "x", count: 107)) == nil) }

  @Test func theTextHasAMargin() throws {
    let lines = try #require(QRCode("a")).text.split(separator: "\n")
    #expect(lines.count == 13 && lines[0].contains("[30;107m" + String(repeating: " ", count: 25)))
  }
}

import DeRaJSON
import DeRaTestSupport
import Testing

@Suite struct JSONWriterTests {
  /// The right texts are Python's `json.dumps(value, ensure_ascii=False, separators=(",", ":"))`.
  @Test(arguments: [
    #"{"b":[1,-0.5,9007199254740993,null],"a":{"":true},"e":[],"o":{}}"#,
    #"[-9223372036854775808,9223372036854775807]"#,
    #""a\"b\\c\n\t\r\b\f\u0000\u001f/é😀""#, "[0.1,1e-07,1e+20,5.0,0.0]", "false",
  ])
  func writesWhatItReads(text: String) throws {
    let value = try JSON.parse(text)
    #expect(value.text == text)
  }

  @Test func numbersThatJSONLacksBecomeNull() {
    #expect(JSON.array([.double(.nan), .double(.infinity), .double(1)]).text == "[null,null,1.0]")
  }

  @Test func randomValuesComeBack() throws {
    var random = SeededGenerator(seed: 7)
    for _ in 0..<500 {
      let value = Self.random(depth: 3, &random)
      #expect(try JSON.parse(value.text) == value)
    }
  }

  @Test func depthIsTheCallers() throws {
    _ = try JSON.parse("[[[0]]]", depthLimit: 3)
    let error = #expect(throws: JSONError.self) { try JSON.parse("[[[0]]]", depthLimit: 2) }
    #expect(error?.description == "byte 2: nested deeper than 2 levels")
    _ = try JSON.parse(String(repeating: "[", count: 100) + String(repeating: "]", count: 100), depthLimit: 100)
  }

  private static func random(depth: Int, _ random: inout SeededGenerator) -> JSON {
    switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &random) {
    case 0: return .null
    case 1: return .bool(.random(using: &random))
    case 2: return .integer(.random(in: .min ... .max, using: &random))
    case 3: return .double(Double(bitPattern: UInt64.random(in: 0..<(0x7ff << 52), using: &random)))
    case 4:
      return .string(
        String(String.UnicodeScalarView((0..<5).map { _ in Unicode.Scalar(UInt8.random(in: 0...255, using: &random)) }))
      )
    case 5: return .array((0..<3).map { _ in Self.random(depth: depth - 1, &random) })
    default:
      var object = JSONObject()
      for index in 0..<3 { object.append("k\(index)", Self.random(depth: depth - 1, &random)) }
      return .object(object)
    }
  }
}

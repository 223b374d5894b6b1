import DeRaJSON
import DeRaTestSupport
import Testing

@Suite struct JSONTests {
  @Test func valuesKeepKindOrderAndExactIntegers() throws {
    let json = try JSON.parse(
      #" {"b":[1,-0.5,1e3,9007199254740993,18446744073709551616],"a":{"":null},"t":true,"f":false,"é\n":"\ud83d\ude00\u00e9"} "#
    )
    #expect(json.object?.keys == ["b", "a", "t", "f", "é\n"])
    #expect(
      json["b"]
        == .array([
          .integer(1), .double(-0.5), .double(1000), .integer(9_007_199_254_740_993), .double(0x1p64),
        ]))
    #expect(json["b"]?.array?[2].int == 1000)
    #expect(json["a"]?[""] == .null)
    #expect(json["é\n"]?.string == "😀é")
    #expect(MemoryLayout<JSON>.stride <= 24)
  }

  @Test func canonicallyEquivalentKeysAreDifferent() throws {
    let json = try JSON.parse("{\"\u{e9}\": 1, \"e\u{301}\": 2}")
    #expect(json["\u{e9}"] == .integer(1))
    #expect(json["e\u{301}"] == .integer(2))
  }

  @Test(arguments: [
    ("", 0), ("{", 1), ("[1,]", 3), ("[1 2]", 3), ("{\"a\":1,\"a\":2}", 7), ("{a:1}", 1), ("{\"a\" 1}", 5), ("01", 0),
    ("1.", 2), ("-", 1), ("1e", 2), ("1e999", 0), ("nul", 0), ("NaN", 0), ("\"a", 2), ("\"\u{1}\"", 1), ("\"\\x\"", 2),
    ("\"\\ud800\"", 3), ("\"\\ud800\\u0041\"", 3), ("\"\\u12g4\"", 5), ("\"\\", 2), ("1 1", 2), ("{\"a\":1,}", 7),
  ])
  func malformedTextIsRefusedAtItsPosition(text: String, position: Int) {
    let error = #expect(throws: JSONError.self) { try JSON.parse(text) }
    #expect(error?.position == position, "\(text): \(error?.description ?? "")")
  }

  /// Python writes these; elsewhere in a document they are refused.
  @Test func nonFiniteNumbersAreTakenWhereAllowed() throws {
    func parse(_ text: String, _ allows: Bool) throws -> JSON {
      try Array(text.utf8).withUnsafeBytes { try JSON.parse($0, allowsNonFinite: allows) }
    }
    let values = try #require(parse("[NaN, Infinity, -Infinity, -1]", true).array).map(\.double)
    #expect(values[0]?.isNaN == true && values[1...] == [.infinity, -.infinity, -1])
    for text in ["NaN", "[Infinity]", "-Infinity", "nan", "-", "I"] {
      #expect(throws: JSONError.self) { try parse(text, false) }
    }
    #expect(throws: JSONError.self) { try parse("-Inf", true) }
  }

  @Test func valuesAreCounted() throws {
    let text = Array("[[],{\"a\":1},2]".utf8)
    #expect(throws: JSONError.self) { try text.withUnsafeBytes { try JSON.parse($0, valueLimit: 4) } }
    let value = try text.withUnsafeBytes { try JSON.parse($0, valueLimit: 5) }
    #expect(value.array?.count == 3)
  }

  @Test func invalidUTF8IsRefused() {
    let bytes: [UInt8] = [0x22, 0xc3, 0x28, 0x22]
    #expect(throws: JSONError.self) { try bytes.withUnsafeBytes { try JSON.parse($0) } }
  }

  @Test func depthIsBounded() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    _ = try JSON.parse(nested(JSON.maximumDepth))
    #expect(throws: JSONError.self) { try JSON.parse(nested(JSON.maximumDepth + 1)) }
    #expect(throws: JSONError.self) { try JSON.parse(String(repeating: "[{\"a\":", count: 100_000)) }
  }

  @Test func largeObjectsFindEveryKeyAndEveryDuplicate() throws {
    let members = (0..<5000).map { "\"k\($0)\": \($0)" }
    let object = try #require(JSON.parse("{\(members.joined(separator: ","))}").object)
    #expect((0..<5000).allSatisfy { object["k\($0)"] == .integer($0) })
    #expect(object["k5000"] == nil)
    #expect(throws: JSONError.self) { try JSON.parse("{\(members.joined(separator: ",")), \"k4321\": 0}") }
  }

  @Test func randomDamageNeverCrashes() {
    var random = SeededGenerator(seed: 1)
    let text = Array(#"{"a":[1,2.5e3,"x\u00e9\n",null,{"b":true}],"c":{"d":[[],{}]},"e":-12}"#.utf8)
    for _ in 0..<20_000 {
      var damaged = text
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      damaged.removeLast(Int.random(in: 0...3, using: &random))
      _ = damaged.withUnsafeBytes { try? JSON.parse($0) }
    }
  }
}

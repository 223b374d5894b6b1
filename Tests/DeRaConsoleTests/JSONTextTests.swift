import DeRaConsole
import Testing

private struct Figures: Encodable {
  var readBytesPerToken = 1
  var predictedKL: Double? = .infinity
  var relativeRMSError = -Double.infinity
  var models = ["myModel": 0.5, "a_b": Double.nan]
}

private struct Counts: Decodable {
  var readBytesPerToken: Int
  var models: [String: Double]
}

@Suite struct JSONTextTests {
  @Test func keysAreSnakeCaseButNamesStay() throws {
    let text = try jsonText(Figures(), pretty: false)
    #expect(
      text == #"""
        {"models":{"a_b":"nan","myModel":0.5},"predicted_kl":"inf","read_bytes_per_token":1,"relative_rms_error":"-inf"}

        """#)
  }

  @Test func printedValuesAreReadBack() throws {
    struct Part: Codable, Equatable {
      var sameTopCount = 3
      var losses: [Float] = [1.5, .infinity]
      var names = ["myModel": 1, "with_underscore": 2]
    }
    let text = try jsonText(Part())
    #expect(try fromJSON(Part.self, Array(text.utf8), name: "x") == Part())
  }

  @Test(arguments: [
    (#"{"models": {}}"#, "x: the member 'read_bytes_per_token' is missing"),
    (#"{"models": {"a": {}}, "read_bytes_per_token": 1}"#, "x: expected a number at .models.a"),
    (#"{"read_bytes_per_token": 1.5, "models": {}}"#, "x: "), ("{", "x: not valid JSON: byte 1: "),
    ("Once upon", "x: not valid JSON: byte 0: "),
  ]) func errorsNameThePlace(text: String, message: String) throws {
    let error = #expect(throws: StreamError.self) { try fromJSON(Counts.self, Array(text.utf8), name: "x") }
    #expect(error?.description.hasPrefix(message) == true, "\(error?.description ?? "")")
  }

  @Test func unknownMembersAreFound() throws {
    let text = Array(#"{"contxt": 1, "text": {"deep": 2}, "b": 3}"#.utf8)
    #expect(try unknownMembers(text, known: ["text", "b"], name: "x") == ["contxt"])
    #expect(try unknownMembers(Array("[1]".utf8), known: [], name: "x") == [])
    #expect(throws: StreamError.self) { try unknownMembers(Array(#"{"a": 1, "a": 2}"#.utf8), known: ["a"], name: "x") }
  }

  @Test func controlCharactersAreSpelledOut() {
    #expect(printable("a\u{1B}[31mb\tc\nd\u{9B}e") == "a\\u{1b}[31mb\tc\nd\\u{9b}e")
    #expect(printable("λ = 日本") == "λ = 日本")
  }
}

import DeRaJSON
import Testing

@testable import DeRaServer

@Suite struct ToolTests {
  private static let call = ToolCall(name: "light", arguments: ["on": true])

  private static let calls: [String] = [
    #"<tool_call>\#n{"name": "light", "arguments": {"on": true}}\#n</tool_call>"#,
    #"{"name": "light", "parameters": {"on": true}}"#,
    #"<|python_tag|>{"name": "light", "parameters": {"on": true}}"#,
    #"[TOOL_CALLS] [{"name": "light", "arguments": {"on": true}}]"#,
    #"[{"name":"light","arguments":"{\"on\":true}"}]"#,
    #"{"tool_call": {"name": "light", "arguments": {"on": true}}}"#,
    "```json\n{\"name\": \"light\", \"arguments\": {\"on\": true}}\n```",
  ]

  /// The output of a filter for a text in pieces of a length, texts joined.
  private func pieces(_ text: String, size: Int) -> (text: String, calls: [ToolCall]) {
    var filter = ToolCallFilter(names: ["light"])
    var result: [ToolCallFilter.Piece] = []
    var rest = text[...]
    while !rest.isEmpty {
      result += filter.append(String(rest.prefix(size)))
      rest = rest.dropFirst(size)
    }
    result += filter.finish()
    var (shown, calls) = ("", [ToolCall]())
    for piece in result {
      switch piece {
      case .text(let text): shown += text
      case .call(let call): calls.append(call)
      }
    }
    return (shown, calls)
  }

  @Test func callsOfEveryFamilyAreFound() {
    for text in Self.calls {
      for size in [1, 3, 7, 1000] {
        let (shown, calls) = pieces(text, size: size)
        #expect(shown.isEmpty && calls == [Self.call], "\(text) in pieces of \(size)")
      }
    }
  }

  @Test func textAroundCallsIsShown() {
    let call = #"<tool_call>{"name":"light","arguments":{"on":true}}</tool_call>"#
    for size in [1, 4, 1000] {
      #expect(pieces("I will do it. \(call)\n\(call)", size: size) == ("I will do it. ", [Self.call, Self.call]))
    }
  }

  @Test func whatIsNoCallStaysText() {
    let texts = [
      "Hello <tool", "a < b", "{\"name\":\"nobody\",\"arguments\":{}}", "[1, 2]", "<tool_call>light</tool_call>",
      "<tool_call>{",
      "  spaced", "[TOOL_CALLS] x", "```json\n{}\n```",
    ]
    for text in texts {
      for size in [1, 5, 1000] { #expect(pieces(text, size: size) == (text, []), "\(text) in pieces of \(size)") }
    }
  }

  private static let tool = """
    "tools":[{"type":"function","function":{"name":"light","description":"Switches it.","parameters":{"type":"object",
    "properties":{"on":{"type":"boolean"}}}}}]
    """

  @Test func anAnswerThatCallsAToolSaysSo() async throws {
    let server = try TestServer(.words(["<tool_call>", #"{"name":"light","arguments":{"on":true}}"#, "</tool_call>"]))
    try await blocking {
      let body = "\"model\":\"storyteller\",\"messages\":[{\"role\":\"user\",\"content\":\"On!\"}],\(Self.tool)"
      let whole = try server.ask("POST", "/v1/chat/completions", "{\(body),\"max_tokens\":3}").json["choices"]?.array?
        .first
      #expect(whole?["finish_reason"] == "tool_calls" && whole?["message"]?["content"] == .null)
      let call = whole?["message"]?["tool_calls"]?.array?.first
      #expect(call?["function"] == ["name": "light", "arguments": #"{"on":true}"#] && call?["type"] == "function")
      let events = try server.ask("POST", "/v1/chat/completions", "{\(body),\"stream\":true}").events
      let deltas = events.compactMap { $0["choices"]?.array?.first?["delta"]?["tool_calls"]?.array?.first }
      #expect(deltas.count == 1 && deltas[0]["index"] == 0 && deltas[0]["id"]?.string?.hasPrefix("call_") == true)
      let ollama = try server.ask("POST", "/api/chat", "{\(body),\"stream\":false}").json
      #expect(ollama["message"]?["tool_calls"] == [["function": ["name": "light", "arguments": ["on": true]]]])
    }
  }

  @Test func aModelWhoseTemplateHasNoToolsIsToldOfThem() async throws {
    let server = try TestServer()
    try await blocking {
      let body = "{\"messages\":[{\"role\":\"user\",\"content\":\"On!\"}],\(Self.tool)}"
      let prompt = try server.ask("POST", "/apply-template", body).json["prompt"]?.string ?? ""
      #expect(prompt.contains("light") && prompt.contains("<tool_call>") && prompt.contains("Switches it."))
      let without = try server.ask(
        "POST", "/apply-template", body.replacing("}]}", with: "}],\"tool_choice\":\"none\"}"))
      #expect(without.json["prompt"]?.string?.contains("light") == false || without.status == 400)
    }
  }
}

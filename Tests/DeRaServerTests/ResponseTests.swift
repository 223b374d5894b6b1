import DeRa
import DeRaJSON
import DeRaServer
import Testing

@Suite struct ResponseTests {
  private static let message = #""messages":[{"role":"user","content":"Hi"}]"#

  @Test func aStreamHasTheShapeThatClientsRead() async throws {
    let server = try TestServer(.words([" kind", " girl"]))
    try await blocking {
      let response = try server.ask(
        "POST", "/v1/chat/completions",
        "{\(Self.message),\"stream\":true,\"stream_options\":{\"include_usage\":true},\"seed\":9}")
      #expect(response.headers["content-type"] == "text/event-stream")
      #expect(response.headers["cache-control"] == "no-store" && response.headers["x-accel-buffering"] == "no")
      #expect(response.text.hasSuffix("data: [DONE]\n\n"))
      let events = response.events
      #expect(
        Set(events.map { $0["id"]?.string ?? "" }).count == 1 && Set(events.map { $0["created"]?.int ?? 0 }).count == 1)
      let deltas = events.map { $0["choices"]?.array?.first?["delta"] }
      #expect(deltas[0] == ["role": "assistant", "content": .null])
      #expect(deltas[1] == ["content": " kind"] && deltas[2] == ["content": " girl"])
      #expect(deltas[3] == JSON([]) && events[3]["choices"]?.array?.first?["finish_reason"] == "stop")
      #expect(events[3]["dera"]?["seed"] == 9)
      #expect(events[4]["choices"] == [] && events[4]["usage"]?["completion_tokens"] == 2)
      #expect(events.count == 5)
    }
  }

  @Test func choicesOfSeveralLambdasHaveTheirIndex() async throws {
    let server = try TestServer()
    try await blocking {
      let body = "{\(Self.message),\"lambda_choices\":[0,0.5,2],\"seed\":4}"
      let response = try server.ask("POST", "/v1/chat/completions", body)
      let choices = response.json["choices"]?.array ?? []
      #expect(choices.map { $0["index"]?.int } == [0, 1, 2])
      #expect(choices.map { $0["dera"]?["lambda"]?["brief"]?.double } == [0, 0.5, 2])
      #expect(Set(server.engine.requests.map { $0.options.sampling.seed }) == [4])
      _ = try server.ask("POST", "/v1/chat/completions", "{\(Self.message),\"n\":2,\"seed\":4}")
      #expect(Set(server.engine.requests.suffix(2).map { $0.options.sampling.seed }) == [4, 5])
    }
  }

  @Test func logprobsComeWithTheirTokens() async throws {
    let server = try TestServer()
    try await blocking {
      let fields = "{\(Self.message),\"logprobs\":true,\"top_logprobs\":2"
      let whole = try server.ask("POST", "/v1/chat/completions", fields + "}").json["choices"]?.array?.first
      let entries = whole?["logprobs"]?["content"]?.array ?? []
      #expect(
        entries.count == 2 && entries[0]["logprob"] == .double(-0.5) && entries[0]["top_logprobs"]?.array?.count == 2)
      let events = try server.ask("POST", "/v1/chat/completions", fields + ",\"stream\":true}").events
      let streamed = events.flatMap { $0["choices"]?.array?.first?["logprobs"]?["content"]?.array ?? [] }
      #expect(streamed == entries)
      // Text never comes without its tokens' log-probabilities.
      let texts = events.compactMap { $0["choices"]?.array?.first }.filter { $0["delta"]?["content"]?.string != nil }
      #expect(texts.allSatisfy { $0["logprobs"]?["content"]?.array?.isEmpty == false })
    }
  }

  @Test func lambdaMovesWhileAnAnswerIsMade() async throws {
    let server = try TestServer(.endless(" and"))
    try await blocking {
      let client = try server.connect()
      try client.send("POST", "/v1/chat/completions", "{\(Self.message),\"stream\":true}")
      let start = try client.read(until: " and")
      let id = try #require(start.ranges(of: "chatcmpl-").first).upperBound
      let name = "chatcmpl-" + start[id...].prefix { $0 != "\"" }
      let control = #"{"id":"\#(name)","action":"set_lambda","lambda":0.5}"#
      #expect(try server.ask("POST", "/v1/chat/completions/control", control).json == ["success": true])
      #expect(server.engine.realignments.map(\.lambdas) == [[0.5, 0]])
      let nobody = #"{"id":"x","action":"set_lambda","lambda":0.5}"#
      #expect(try server.ask("POST", "/v1/chat/completions/control", nobody).json == ["success": false])
    }
  }

  @Test func overloadAndFailureHaveTheirStatus() async throws {
    let full = try TestServer(.refusal(.overloaded("full")))
    let failing = try TestServer(.failure(" and"))
    try await blocking {
      let refused = try full.ask("POST", "/v1/chat/completions", "{\(Self.message)}")
      #expect(refused.status == 503 && refused.headers["retry-after"] == "1")
      #expect(refused.json["error"]?["type"] == "overloaded_error")
      let broken = try failing.ask("POST", "/v1/chat/completions", "{\(Self.message),\"stream\":true}")
      #expect(broken.status == 200 && broken.events.last?["error"] != nil && !broken.text.contains("[DONE]"))
      let lines = try failing.ask("POST", "/api/chat", "{\(Self.message),\"model\":\"storyteller\"}")
      #expect(
        lines.text.split(separator: "\n").last.map { (try? JSON.parse(String($0)))?["error"]?.string != nil } == true)
    }
  }

  @Test func aPromptThatDoesNotFitIsRefused() async throws {
    let server = try TestServer()
    try await blocking {
      let text = String(repeating: "word ", count: 2000)
      let body =
        #"{"model":"storyteller","messages":[{"role":"user","content":"\#(text)"}],"options":{"num_ctx":99999}}"#
      let error = try server.ask("POST", "/v1/chat/completions", body)
      #expect(error.status == 400 && error.json["error"]?["type"] == "exceed_context_size_error")
      #expect(error.json["error"]?["n_ctx"] == 512 && error.json["error"]?["n_prompt_tokens"]?.int ?? 0 > 512)
      let ollama = try server.ask("POST", "/api/chat", body)
      #expect(ollama.status == 400 && ollama.json["error"]?.string?.contains("512") == true)
    }
  }

  @Test func completionsEchoAndScore() async throws {
    let server = try TestServer(.words([]))
    try await blocking {
      let body = #"{"prompt":["Once upon",[5,6]],"echo":true,"logprobs":1,"max_tokens":0}"#
      let response = try server.ask("POST", "/v1/completions", body)
      let choices = response.json["choices"]?.array ?? []
      #expect(choices.count == 2 && choices[0]["text"] == "Once upon")
      #expect(choices[0]["logprobs"]?["token_logprobs"]?.array?.first == .null)
      #expect(server.engine.requests.allSatisfy { $0.options.scoresPrompt && $0.options.ignoresEndOfText })
    }
  }

  @Test func ollamaAnswersInLines() async throws {
    let server = try TestServer()
    try await blocking {
      let response = try server.ask("POST", "/api/chat", "{\(Self.message),\"model\":\"storyteller:latest\"}")
      let lines = response.text.split(separator: "\n").map { (try? JSON.parse(String($0))) ?? .null }
      #expect(response.headers["content-type"] == "application/x-ndjson")
      #expect(lines.map { $0["message"]?["content"]?.string } == [" kind", " girl", ""])
      #expect(lines.map { $0["done"]?.bool } == [false, false, true] && lines[2]["done_reason"] == "stop")
      let whole = try server.ask(
        "POST", "/api/generate", #"{"model":"storyteller@0.5","prompt":"a","raw":true,"stream":false}"#)
      #expect(whole.json["response"] == " kind girl" && server.engine.requests.last?.realignment.lambdas == [0.5, 0])
      #expect(try server.ask("POST", "/api/chat", #"{"model":"nobody","messages":[]}"#).status == 404)
      #expect(try server.ask("POST", "/api/chat", #"{"model":"storyteller"}"#).json["done_reason"] == "load")
      #expect(
        try server.ask("POST", "/api/generate", #"{"model":"storyteller","keep_alive":0}"#).json["done_reason"]
          == "unload")
      #expect(try server.ask("POST", "/api/pull", #"{"model":"storyteller"}"#).text == "{\"status\":\"success\"}\n")
      #expect(try server.ask("POST", "/api/embed", "{}").status == 501)
    }
  }

  @Test func everyRouteIsInTheDocument() async throws {
    let server = try TestServer()
    try await blocking {
      let document = try server.ask("GET", "/openapi.json").json
      let paths = try #require(document["paths"]?.object)
      let routes = Service(try TestServer.model(), server.engine.answering).routes()
      for route in routes where route.summary != "Not implemented." {
        #expect(paths[route.path]?[route.method.rawValue.lowercased()] != nil, "\(route.path)")
        guard route.method == .GET, !route.path.contains("{") else { continue }
        let response = try server.ask("GET", route.path)
        #expect(response.status == 200, "\(route.path)")
        #expect(try server.ask("HEAD", route.path).headers["content-length"] == response.headers["content-length"])
        let wrong = try server.ask("DELETE", route.path)
        #expect(wrong.status == 405 && wrong.headers["allow"]?.contains("GET") == true)
      }
    }
  }

  @Test func thePageRunsItsOwnScriptOnly() async throws {
    let server = try TestServer()
    try await blocking {
      #expect(try server.ask("GET", "/").text == "Ollama is running")
      let page = try server.ask("GET", "/", headers: ["Accept: text/html"])
      let policy = page.headers["content-security-policy"] ?? ""
      #expect(
        page.text.contains("Ollama is running") && policy.contains("script-src 'sha256-")
          && !policy.contains("script-src 'unsafe"))
    }
  }
}

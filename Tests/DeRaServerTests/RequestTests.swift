import DeRa
import DeRaJSON
import DeRaServer
import Testing

@Suite struct RequestTests {
  private static let message = #""messages":[{"role":"user","content":"Hi"}]"#

  private static let wrong: [(path: String, body: String, param: String)] = [
    ("/v1/chat/completions", #"{}"#, "messages"),
    ("/v1/chat/completions", #"{"messages":[]}"#, "messages"),
    ("/v1/chat/completions", #"{"messages":"Hi"}"#, "messages"),
    ("/v1/chat/completions", #"{"messages":[{"content":"Hi"}]}"#, "messages"),
    ("/v1/chat/completions", #"{"messages":[{"role":"king","content":"Hi"}]}"#, "messages"),
    ("/v1/chat/completions", #"{"messages":[{"role":"user","content":1}]}"#, "messages"),
    ("/v1/chat/completions", #"{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}"#, "messages"),
    (
      "/v1/chat/completions",
      #"{"messages":[{"role":"assistant","content":"a"},{"role":"assistant","content":"b"}]}"#, "messages"
    ),
    ("/v1/chat/completions", "{\(message),\"grammar\":\"root ::= [a]\"}", "grammar"),
    ("/v1/chat/completions", "{\(message),\"json_schema\":{\"type\":\"king\"}}", "json_schema"),
    ("/v1/chat/completions", "{\(message),\"json_schema\":{},\"response_format\":{}}", "json_schema"),
    ("/v1/chat/completions", "{\(message),\"repeat_penalty\":1e-60}", "repeat_penalty"),
    ("/v1/chat/completions", "{\(message),\"temperature\":-1}", "temperature"),
    ("/v1/chat/completions", "{\(message),\"temperature\":\"0\"}", "temperature"),
    ("/v1/chat/completions", "{\(message),\"top_p\":1.5}", "top_p"),
    ("/v1/chat/completions", "{\(message),\"top_k\":1.5}", "top_k"),
    ("/v1/chat/completions", "{\(message),\"n\":0}", "n"),
    ("/v1/chat/completions", "{\(message),\"n\":9}", "n"),
    ("/v1/chat/completions", "{\(message),\"n\":2,\"lambda_choices\":[0,1]}", "n"),
    ("/v1/chat/completions", "{\(message),\"max_tokens\":-2}", "max_tokens"),
    ("/v1/chat/completions", "{\(message),\"max_completion_tokens\":true}", "max_completion_tokens"),
    ("/v1/chat/completions", "{\(message),\"seed\":\"x\"}", "seed"),
    ("/v1/chat/completions", "{\(message),\"stop\":7}", "stop"),
    (
      "/v1/chat/completions", "{\(message),\"stop\":[\(Array(repeating: "\"a\"", count: 17).joined(separator: ","))]}",
      "stop"
    ),
    ("/v1/chat/completions", "{\(message),\"logit_bias\":{\"x\":1}}", "logit_bias"),
    ("/v1/chat/completions", "{\(message),\"logit_bias\":{\"99999\":1}}", "logit_bias"),
    ("/v1/chat/completions", "{\(message),\"logit_bias\":{\"1\":101}}", "logit_bias"),
    ("/v1/chat/completions", "{\(message),\"top_logprobs\":21,\"logprobs\":true}", "top_logprobs"),
    ("/v1/chat/completions", "{\(message),\"top_logprobs\":2}", "top_logprobs"),
    ("/v1/chat/completions", "{\(message),\"stream\":\"yes\"}", "stream"),
    ("/v1/chat/completions", "{\(message),\"stream_options\":1}", "stream_options"),
    ("/v1/chat/completions", "{\(message),\"stream_options\":{\"include_usage\":1}}", "stream_options.include_usage"),
    ("/v1/chat/completions", "{\(message),\"tools\":{}}", "tools"),
    ("/v1/chat/completions", "{\(message),\"tools\":[{\"type\":\"function\"}]}", "tools"),
    ("/v1/chat/completions", "{\(message),\"tool_choice\":\"required\"}", "tool_choice"),
    ("/v1/chat/completions", "{\(message),\"lambda\":\"x\"}", "lambda"),
    ("/v1/chat/completions", "{\(message),\"lambda\":1e39}", "lambda"),
    ("/v1/chat/completions", "{\(message),\"lambda\":[1,2,3]}", "lambda"),
    ("/v1/chat/completions", "{\(message),\"lambda\":{\"nobody\":1}}", "lambda"),
    ("/v1/chat/completions", "{\(message),\"lambda\":true}", "lambda"),
    ("/v1/chat/completions", "{\(message),\"lambda_choices\":[]}", "lambda_choices"),
    ("/v1/chat/completions", "{\(message),\"lambda_schedule\":[[5,1],[2,0]]}", "lambda_schedule"),
    ("/v1/chat/completions", "{\(message),\"model\":\"storyteller@loud\"}", "model"),
    ("/v1/chat/completions", "{\(message),\"model\":7}", "model"),
    ("/v1/chat/completions", "{\(message),\"dera\":{\"explain\":2}}", "dera.explain"),
    ("/v1/completions", #"{}"#, "prompt"),
    ("/v1/completions", #"{"prompt":[]}"#, "prompt"),
    ("/v1/completions", #"{"prompt":[99999]}"#, "prompt"),
    ("/v1/completions", #"{"prompt":[[1],{}]}"#, "prompt"),
    ("/v1/completions", #"{"prompt":"a","suffix":"b"}"#, "suffix"),
    ("/v1/completions", #"{"prompt":"a","best_of":2}"#, "best_of"),
    ("/v1/completions", #"{"prompt":"a","best_of":3,"n":2}"#, "best_of"),
    ("/v1/completions", #"{"prompt":"a","logprobs":21}"#, "logprobs"),
    ("/v1/completions", #"{"prompt":"a","logprobs":true}"#, "logprobs"),
    ("/tokenize", #"{}"#, "content"),
    ("/detokenize", #"{"tokens":["a"]}"#, "tokens"),
    ("/detokenize", #"{"tokens":[-1]}"#, "tokens"),
    ("/v1/chat/completions/control", #"{"id":"x","action":"jump","lambda":1}"#, "action"),
    ("/v1/chat/completions/control", #"{"id":"x","action":"set_lambda"}"#, "lambda"),
  ]

  @Test func wrongFieldsAreNamed() async throws {
    let server = try TestServer()
    try await blocking {
      let client = try server.connect()
      for (path, body, param) in Self.wrong {
        try client.send("POST", path, body)
        let response = try client.response()
        let error = response.json["error"]
        #expect(response.status == 400 && error?["param"]?.string == param, "\(path) \(body): \(response.text)")
        #expect(error?["type"]?.string == "invalid_request_error" && error?["message"]?.string?.isEmpty == false)
      }
      #expect(server.engine.requests.isEmpty)
    }
  }

  @Test func whatIsNoObjectIsRefused() async throws {
    let server = try TestServer()
    try await blocking {
      let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
      let many = "{\"messages\":[\(String(repeating: "0,", count: 600_000))0]}"
      for body in ["", "x", "[]", "7", "{\"messages\":\(deep)}", "{\"a\":1,\"a\":2}", "{\"a\":\"\u{1}\"}", many] {
        #expect(try server.ask("POST", "/v1/chat/completions", body).status == 400)
        let ollama = try server.ask("POST", "/api/chat", body)
        #expect(ollama.json["error"]?.string != nil)
      }
    }
  }

  @Test func nullIsAbsentAndTheUnknownIsIgnored() async throws {
    let server = try TestServer()
    try await blocking { () throws in
      let body = """
        {\(Self.message),"temperature":null,"stop":null,"seed":null,"n":null,"lambda":null,"tools":null,"response_format":null,
        "logit_bias":null,"stream":null,"stream_options":null,"max_tokens":null,"user":"x","store":true,"whatever":{"a":[1]}}
        """
      #expect(try server.ask("POST", "/v1/chat/completions", body).status == 200)
      #expect(server.engine.requests.first?.options.maxTokens == nil)
    }
  }

  @Test func theBestOfAllAreAll() async throws {
    let server = try TestServer()
    try await blocking { () throws in
      for body in [#"{"prompt":"a","best_of":2,"n":2}"#, #"{"prompt":"a","best_of":1,"n":2}"#] {
        #expect(try server.ask("POST", "/v1/completions", body).json["choices"]?.array?.count == 2, "\(body)")
      }
    }
  }

  @Test func fieldsReachTheEngine() async throws {
    let server = try TestServer()
    try await blocking {
      let body = """
        {\(Self.message),"temperature":0.5,"top_p":0,"top_k":-1,"min_p":0.25,"seed":7,"stop":["a",null,""],"max_tokens":5,
        "presence_penalty":1,"frequency_penalty":-1,"repeat_penalty":1.5,"logit_bias":{"5":-100},"ignore_eos":true,
        "logprobs":true,"top_logprobs":3,"dera":{"explain":true},"lambda_schedule":[[0,0],[17,1]]}
        """
      #expect(try server.ask("POST", "/v1/chat/completions", body).status == 200)
      let request = try #require(server.engine.requests.first)
      let sampling = request.options.sampling
      #expect(sampling.temperature == 0.5 && sampling.topP > 0 && sampling.topK == 0 && sampling.minP == 0.25)
      #expect(sampling.seed == 7 && request.options.stopStrings == ["a"] && request.options.maxTokens == 5)
      #expect(sampling.presencePenalty == 1 && sampling.frequencyPenalty == -1 && sampling.repetitionPenalty == 1.5)
      #expect(sampling.logitBias == [5: -100] && request.options.ignoresEndOfText)
      #expect(request.options.logprobs == 3 && request.options.explains)
      #expect(request.realignment.lambdas == [0, 0])
      #expect(request.schedule.count == 1 && request.schedule[0].token == 17)
      #expect(request.schedule[0].realignment.lambdas == [1, 0])
    }
  }

  private static let lambdas: [(json: String, lambdas: [Float])] = [
    ("0.5", [0.5, 0]), ("\"0.5\"", [0.5, 0]), ("[0.25]", [0.25, 0]), ("[0.25,-1]", [0.25, -1]),
    (#"{"happy":0.5}"#, [0, 0.5]), (#""brief=0.5,happy=0.3""#, [0.5, 0.3]), ("2", [2, 0]), ("-1e0", [-1, 0]),
  ]

  @Test func lambdaHasManyForms() async throws {
    let server = try TestServer()
    try await blocking {
      for (json, lambdas) in Self.lambdas {
        let response = try server.ask("POST", "/v1/chat/completions", "{\(Self.message),\"lambda\":\(json)}")
        #expect(response.status == 200 && server.engine.requests.last?.realignment.lambdas == lambdas, "\(json)")
        let named = response.json["dera"]?["lambda"]
        #expect(named?["brief"]?.double == shortest(lambdas[0]) && named?["happy"]?.double == shortest(lambdas[1]))
      }
    }
  }

  @Test func theBodysLambdaComesFirstThenTheHeadersThenTheNames() async throws {
    let server = try TestServer()
    try await blocking { () throws in
      func lambda(_ fields: String, _ headers: [String] = []) throws -> Float? {
        _ = try server.ask("POST", "/v1/chat/completions", "{\(Self.message)\(fields)}", headers: headers)
        return server.engine.requests.last?.realignment.lambdas[0]
      }
      let header = ["X-Dera-Lambda: 0.25"]
      #expect(try lambda(#","lambda":0.75,"model":"storyteller@0.5""#, header) == 0.75)
      #expect(try lambda(#","model":"storyteller@0.5""#, header) == 0.25)
      #expect(try lambda(#","model":"storyteller@0.5""#) == 0.5)
      #expect(try lambda(#","model":"storyteller@0.5:latest""#) == 0.5)
      #expect(try lambda(#","model":"gpt-4o""#) == 1)
      #expect(try lambda("") == 1)
    }
  }
}

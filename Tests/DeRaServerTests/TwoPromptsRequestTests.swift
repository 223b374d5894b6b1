import DeRa
import DeRaGrammar
import DeRaJSON
import DeRaServer
import Testing

/// `reference_system` and `reference_messages`.
@Suite struct TwoPromptsRequestTests {
  private static let user = #"{"role":"user","content":"Hi"}"#
  private static let messages = "\"messages\":[{\"role\":\"system\",\"content\":\"Be kind.\"},\(user)]"
  private static let rude = "[{\"role\":\"system\",\"content\":\"Be rude.\"},\(user)]"
  private static let path = "/v1/chat/completions"

  /// The last request after one with these members.
  private func request(_ server: TestServer, _ members: String) throws -> (AnswerRequest, JSON) {
    let response = try server.ask("POST", Self.path, "{\(members)}")
    #expect(response.status == 200, "\(response.text)")
    return (try #require(server.engine.requests.last), response.json)
  }

  @Test func theReferenceIsTheConversationWithAnotherSystemPrompt() async throws {
    let server = try TestServer()
    try await blocking {
      let kind = try request(server, Self.messages).0
      let rude = try request(server, "\"messages\":\(Self.rude)").0
      #expect(kind.referencePrompt == nil && kind.prompt != rude.prompt)
      for reference in [
        #""reference_system":"Be rude.""#, "\"reference_messages\":\(Self.rude)",
        "\"reference_system\":null,\"reference_messages\":\(Self.rude)",
      ] {
        let (told, json) = try request(
          server, "\(Self.messages),\(reference),\"lambda\":{\"prompt\":1.5,\"brief\":0.5}")
        #expect(told.prompt == kind.prompt && told.referencePrompt == rude.prompt, "\(reference)")
        #expect(told.realignment == Realignment(lambdas: [0.5, 0], prompt: 1.5))
        #expect(json["dera"]?["lambda"] == ["brief": 0.5, "happy": 0.0, "prompt": 1.5])
      }
      let last = try request(server, "\(Self.messages),\"reference_system\":\"Be rude.\",\"lambda\":[0,0,2]").0
      #expect(last.realignment == Realignment(lambdas: [0, 0], prompt: 2))
      let choices = "\(Self.messages),\"reference_system\":\"\",\"lambda_choices\":[{\"prompt\":0},\"prompt=2\"]"
      _ = try request(server, choices)
      #expect(server.engine.requests.suffix(2).map(\.realignment.prompt) == [0, 2])
      #expect(server.engine.requests.suffix(2).allSatisfy { $0.referencePrompt?.isEmpty == false })
    }
  }

  private static let wrong: [(members: String, param: String)] = [
    (#""reference_system":7"#, "reference_system"), (#""reference_messages":"Hi""#, "reference_messages"),
    (#""reference_messages":[]"#, "reference_messages"), (#""reference_messages":[{}]"#, "reference_messages"),
    (#""reference_messages":[{"role":"king","content":"a"}]"#, "reference_messages"),
    ("\"reference_system\":\"a\",\"reference_messages\":\(rude)", "reference_messages"),
    (#""lambda":{"prompt":1}"#, "lambda"), (#""reference_system":"a","lambda":[0,0,1,1]"#, "lambda"),
    (#""reference_system":"a","lambda":{"promt":1}"#, "lambda"),
  ]

  @Test func wrongReferencesAreNamed() async throws {
    let server = try TestServer()
    try await blocking {
      for (members, param) in Self.wrong {
        let error = try server.ask("POST", Self.path, "{\(Self.messages),\(members)}")
        #expect(error.status == 400 && error.json["error"]?["param"]?.string == param, "\(members): \(error.text)")
        #expect(error.json["error"]?["message"]?.string?.contains("'messages'") == false)
      }
      #expect(server.engine.requests.isEmpty)
    }
  }

  @Test func aReferenceThatDoesNotFitIsRefused() async throws {
    let server = try TestServer()
    try await blocking {
      let long = String(repeating: "word ", count: 600)
      let error = try server.ask("POST", Self.path, "{\(Self.messages),\"reference_system\":\"\(long)\"}").json["error"]
      #expect(error?["type"] == "exceed_context_size_error" && error?["n_prompt_tokens"]?.int ?? 0 > 512)
    }
  }

  @Test func oneSequenceIsTooFew() async throws {
    let server = try TestServer(sequences: 1)
    try await blocking {
      for (field, value) in [("reference_system", "\"a\""), ("reference_messages", Self.rude)] {
        let error = try server.ask("POST", Self.path, "{\(Self.messages),\"\(field)\":\(value)}")
        #expect(error.status == 400 && error.json["error"]?["param"]?.string == field, "\(error.text)")
      }
      #expect(try server.ask("POST", Self.path, "{\(Self.messages)}").status == 200)
    }
  }
}

/// Errors of the engine as clients see them.
@Suite struct EngineFailureTests {
  private static let refused: [(error: any Error, param: String?)] = [
    (EngineError.oneSequence, "reference_system"), (GenerationError.emptyPrompt, "prompt"),
    (GenerationError.promptTooLong(tokens: 9, contextLength: 8), nil),
    (GenerationError.promptsTooLong(tokens: 1, reference: 9, contextLength: 8), nil),
    (GenerationError.badOption(OptionProblem("plausible", "2", allowed: "0 to 1")), "plausible"),
    (GenerationError.maskedWeights, "plausible"), (SamplingError.nothingPossible, "logit_bias"),
    (SamplingError.badOption(OptionProblem("temperature", "-1", allowed: "0 or more")), "temperature"),
    (SamplingError.badLogit(token: 1, value: .nan), "lambda"),
    (SamplingError.biasOutOfRange(token: 9, vocabulary: 8), "logit_bias"),
    (SamplingError.grammar(GrammarError.noToken), "response_format"),
    (SessionError.contextFull(tokens: 9, limit: 8), nil),
    (SessionError.invalidToken(9, vocabularySize: 8), "prompt"), (SessionError.empty, "prompt"),
  ]

  @Test func theRequestsFaultsAreItsOwn() {
    for (error, param) in Self.refused {
      let told = APIError(error)
      #expect(told.status == .badRequest && told.param == param, "\(error)")
      if param == nil { #expect(told.type == "exceed_context_size_error" && told.details[0].value == 9) }
    }
    #expect(APIError(EngineError.overloaded(waiting: 3)).status == .serviceUnavailable)
    #expect(APIError(EngineError.stopped).type == "unavailable_error")
    #expect(APIError(SessionError.outOfMemory("full")).status == .internalServerError)
  }
}

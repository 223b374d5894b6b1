import DeRaJSON

extension Service {
  /// Every route there is.
  package func routes() -> [Route] {
    let routes = informationRoutes + tokenRoutes + answerRoutes + ollamaRoutes
    var document = Route(.GET, "/openapi.json", "This document.", .now { _ in Reply(json: .null) })
    let text = OpenAPI.document(routes + [document])
    document.action = .now { _ in Reply(json: text) }
    return routes + [document] + missingRoutes
  }

  private var ollamaRoutes: [Route] {
    [
      Route(.GET, "/api/version", "The version of Ollama's interface.", .now { _ in self.ollamaVersion() }),
      Route(.GET, "/api/tags", "The names that may be asked for.", .now { _ in self.ollamaTags() }),
      Route(.GET, "/api/ps", "The model that is loaded.", .now { _ in self.ollamaRunning() }),
      Route(
        .POST, "/api/show", "The model.", fields: Self.showFields,
        .now { request throws(APIError) in try self.ollamaShow(request) }),
      Route(
        .POST, "/api/pull", "Succeeds for the model that is here.",
        fields: Self.showFields + [OllamaRequest.stream.description],
        .later { exchange throws(APIError) in try self.ollamaPull(exchange) }),
      Route(
        .POST, "/api/chat", "The answer in a conversation.", fields: OllamaRequest.chatFields,
        .later { exchange throws(APIError) in try await self.ollama(exchange, .chat) }),
      Route(
        .POST, "/api/generate", "The answer to a prompt.", fields: OllamaRequest.generateFields,
        .later { exchange throws(APIError) in try await self.ollama(exchange, .generate) }),
    ]
  }

  /// Routes that clients know and no model here can serve; not in the document.
  private var missingRoutes: [Route] {
    let paths = [
      "/v1/embeddings", "/embeddings", "/embedding", "/api/embed", "/api/embeddings", "/v1/images/generations",
      "/v1/images/edits", "/v1/images/variations", "/v1/audio/speech", "/v1/audio/transcriptions",
      "/v1/audio/translations", "/v1/moderations", "/v1/rerank", "/rerank", "/infill",
    ]
    return paths.map { path in
      Route(
        .POST, path, "Not implemented.",
        .now { _ throws(APIError) in
          throw APIError(
            .notImplemented, "not_implemented_error", "\(path) is not implemented: these models write text only")
        })
    }
  }

  private var informationRoutes: [Route] {
    let page = PageHandler()
    return [
      Route(.GET, "/", "A page to try the model with.", needsKey: false, .now { page($0) }),
      Route(
        .GET, "/health", "Whether the model is ready.", needsKey: false, .now { _ in Reply(json: ["status": "ok"]) }),
      Route(.GET, "/v1/models", "The names that may be asked for.", .now { _ in self.models() }),
      Route(.GET, "/models", "As /v1/models.", .now { _ in self.models() }),
      Route(.GET, "/v1/models/{id}", "One of them.", .now { request throws(APIError) in try self.modelCard(request) }),
      Route(
        .GET, "/models/{id}", "As /v1/models/{id}.", .now { request throws(APIError) in try self.modelCard(request) }),
      Route(.GET, "/props", "The model and its defaults.", .now { _ in self.props() }),
      Route(.GET, "/slots", "The sequences and what they hold.", .now { _ in self.slots() }),
      Route(.GET, "/metrics", "Figures for Prometheus.", .now { _ in self.metrics() }),
    ]
  }

  private var tokenRoutes: [Route] {
    [
      Route(.GET, "/tokenizer_info", "Special tokens and the chat template.", .now { _ in self.tokenizerInfo() }),
      Route(.POST, "/tokenize", "Ids of a text.", fields: Self.tokenizeFields, working(tokenize)),
      Route(.POST, "/detokenize", "The text of ids.", fields: Self.detokenizeFields, working(detokenize)),
      Route(
        .POST, "/apply-template", "A conversation as the model reads it.", fields: ChatRequest.fields,
        working(applyTemplate)),
    ]
      + ["/v1", ""].map { prefix in
        Route(
          .POST, prefix + "/chat/completions/input_tokens", "How many tokens a conversation is.",
          fields: ChatRequest.fields, working(inputTokens))
      }
  }

  private var answerRoutes: [Route] {
    ["/v1", ""].map { prefix in
      Route(
        .POST, prefix + "/chat/completions", "The answer in a conversation.", fields: ChatRequest.fields,
        .later { exchange throws(APIError) in try await self.chat(exchange) })
    }
      + ["/v1", ""].map { prefix in
        Route(
          .POST, prefix + "/completions", "Continues texts.", fields: CompletionRequest.fields,
          .later { exchange throws(APIError) in try await self.completions(exchange) })
      } + [
        Route(
          .POST, "/v1/chat/completions/control", "Changes λ of an answer that is being made.",
          fields: Self.controlFields,
          // Not behind long prompts: λ is moved by hand.
          .later { exchange throws(APIError) in exchange.reply(try self.control(exchange.request)) })
      ]
  }

  /// An action that takes some time and no engine.
  func working(_ body: @escaping @Sendable (Request) throws(APIError) -> Reply) -> Route.Action {
    .later { exchange throws(APIError) in
      exchange.reply(try await self.prepared { () throws(APIError) in try body(exchange.request) })
    }
  }
}

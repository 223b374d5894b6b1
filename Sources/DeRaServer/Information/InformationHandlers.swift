import DeRa
import DeRaBundle
import DeRaJSON
import DeRaPlatform
import DeRaTokenization

extension Service {
  /// `GET /v1/models`
  func models() -> Reply {
    Reply(json: ["object": "list", "data": .array(model.listedNames.map(card))])
  }

  /// `GET /v1/models/{id}`
  func modelCard(_ request: Request) throws(APIError) -> Reply {
    let name = String(
      request.path.split(separator: "/", omittingEmptySubsequences: true).drop { $0 != "models" }.dropFirst().joined(
        separator: "/"))
    guard try isServed(name) else { throw .notFound("there is no model '\(name)'", param: "model") }
    return Reply(json: card(name))
  }

  /// Whether a name, perhaps with λ or a preset and Ollama's `:latest`, is the bundle's.
  func isServed(_ name: String) throws(APIError) -> Bool {
    let plain = name.hasSuffix(":latest") ? String(name.dropLast(7)) : name
    if plain == model.name { return true }
    guard let at = plain.lastIndex(of: "@"), plain[..<at] == model.name else { return false }
    return try realignment(ofName: name) != nil
  }

  private func card(_ name: String) -> JSON {
    let configuration = model.bundle.configuration
    let realignment = (try? realignment(ofName: name)) ?? model.realignment
    return [
      "id": .string(name), "object": "model", "created": .integer(model.started), "owned_by": "dera",
      "meta": [
        "n_vocab": .integer(configuration.vocabularySize), "n_ctx": .integer(model.context),
        "n_ctx_train": .integer(configuration.contextLength), "n_embd": .integer(configuration.hiddenSize),
        "n_params": .integer(parameters), "size": .integer(model.bundle.mappedBytes),
      ],
      "dera": ["lambda": lambda.json(realignment), "aligned": .array(model.aligned.map(JSON.string))],
    ]
  }

  /// Weights of one model.
  var parameters: Int { model.bundle.manifest.footprint(model: 0).weights }

  /// `GET /props`
  func props() -> Reply {
    let manifest = model.bundle.manifest
    let special = model.tokenizer.specialTokens
    return Reply(json: [
      "default_generation_settings": ["n_ctx": .integer(model.context), "params": defaults],
      "total_slots": .integer(answering.figures().slots.count), "model_alias": .string(model.name),
      "model_path": .string("\(model.name).dera"), "chat_template": .string(manifest.chatTemplate ?? ""),
      "bos_token": .string(special["bos_token"] ?? ""), "eos_token": .string(special["eos_token"] ?? ""),
      "modalities": ["vision": false, "audio": false], "build_info": .string("dera \(Version.text)"),
      "dera": [
        "bundle": .string(model.name), "context": .integer(model.context),
        "chat_template": .bool(model.format.hasTemplate),
        "two_prompts": .bool(model.format.hasTemplate && answering.figures().slots.count > 1),
        "reference": .string(model.bundle.referenceModel),
        "aligned": .array(model.aligned.map { ["name": .string($0)] }),
        "default": .array(model.realignment.lambdas.map { .double(shortest($0)) }),
        "presets": .array(
          model.presets.map { ["name": .string($0.name), "lambda": lambda.json($0.realignment)] }),
        "fingerprint": .string(model.fingerprint),
      ],
    ])
  }

  /// The sampling of requests that say nothing.
  private var defaults: JSON {
    let sampling = model.options.sampling
    return [
      "temperature": .double(shortest(sampling.temperature)), "top_k": .integer(sampling.topK),
      "top_p": .double(shortest(sampling.topP)), "min_p": .double(shortest(sampling.minP)),
      "repeat_penalty": .double(shortest(sampling.repetitionPenalty)),
      "presence_penalty": .double(shortest(sampling.presencePenalty)),
      "frequency_penalty": .double(shortest(sampling.frequencyPenalty)),
      "plausible": .double(shortest(sampling.plausible)),
      "max_tokens": .integer(model.options.maxTokens ?? -1), "n_predict": .integer(model.options.maxTokens ?? -1),
    ]
  }

  /// `GET /slots`
  func slots() -> Reply {
    Reply(
      json: .array(
        answering.figures().slots.enumerated().map { index, slot in
          [
            "id": .integer(index), "n_ctx": .integer(model.context), "is_processing": .bool(slot.isBusy),
            "n_cached": .integer(slot.computedTokens), "n_prompt": .integer(slot.promptTokens),
            "n_decoded": .integer(slot.answerTokens), "lambda": slot.realignment.map(lambda.json) ?? .null,
          ]
        }))
  }

  /// `GET /metrics`, Prometheus's text; llama.cpp's names where the meaning is the same.
  func metrics() -> Reply {
    let figures = answering.figures()
    var text = ""
    func row(_ name: String, _ kind: String, _ help: String, _ value: String) {
      text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n\(name) \(value)\n"
    }
    func histogram(_ name: String, _ help: String, _ histogram: Statistics.Histogram) {
      text += "# HELP \(name) \(help)\n# TYPE \(name) histogram\n"
      for (bound, count) in zip(histogram.bounds, histogram.counts) {
        text += "\(name)_bucket{le=\"\(bound)\"} \(count)\n"
      }
      text +=
        "\(name)_bucket{le=\"+Inf\"} \(histogram.count)\n\(name)_sum \(histogram.sum)\n\(name)_count \(histogram.count)\n"
    }
    let counters: [(String, String, String)] = [
      ("prompt_tokens_total", "Prompt tokens computed.", "\(figures.promptTokens)"),
      ("prompt_tokens_cached_total", "Prompt tokens found in the cache.", "\(figures.cachedTokens)"),
      ("prompt_seconds_total", "Seconds spent on prompts.", "\(figures.promptSeconds)"),
      ("tokens_predicted_total", "Tokens of answers.", "\(figures.answerTokens)"),
      ("tokens_predicted_seconds_total", "Seconds spent on answers.", "\(figures.answerSeconds)"),
      ("n_decode_total", "Steps of the decoder.", "\(figures.steps)"),
    ]
    for (name, help, value) in counters { row("llamacpp:\(name)", "counter", help, value) }
    row("llamacpp:requests_processing", "gauge", "Answers being computed.", "\(figures.slots.count(where: \.isBusy))")
    row("llamacpp:requests_deferred", "gauge", "Answers that wait for a sequence.", "\(figures.waiting)")
    let process = ProcessMemory.current()
    row("dera_resident_bytes", "gauge", "Resident memory.", "\(process.map { $0.anonymousBytes + $0.fileBytes } ?? 0)")
    let current = statistics.current
    histogram("dera_lambda", "λ at the end of an answer; of several models the sum.", current.lambda)
    histogram(
      "dera_time_to_first_token_seconds", "From the engine's start on a prompt to the first token.",
      current.timeToFirstToken)
    return Reply(contentType: "text/plain; version=0.0.4; charset=utf-8", body: Array(text.utf8))
  }
}

import DeRa
import DeRaJSON
import NIOHTTP1

/// Settings that the requests of all answering routes have.
struct RequestSettings: Sendable {
  /// The model's name as the client wrote it.
  var model: String
  var options: GenerationOptions
  var realignment: Realignment
  /// Reads and writes λ of this request.
  let lambda: LambdaReader
  /// λ of each choice, where the client asked for several.
  var choices: [Realignment]?
  var schedule: [(token: Int, realignment: Realignment)] = []
  /// Choices of one λ.
  var count = 1
  var isStreamed = false
  var includesUsage = false

  static let model = Field<String>.text("model")
  static let count = Field<Int>.integer("n", 1...8)
  static let stream = Field<Bool>.flag("stream")
  static let usage = Field<Bool>.flag("include_usage")
  static let explain = Field<Bool>.flag("explain")
  static let maxTokens = Field<Int>.integer("max_tokens", -1...(.max))
  static let choiceLimit = 8
  static let described: [FieldDescription] =
    [
      model.description, count.description, stream.description, maxTokens.description,
      FieldDescription(
        name: "stream_options",
        schema: ["type": ["object", "null"], "properties": ["include_usage": ["type": ["boolean", "null"]]]]),
      FieldDescription(
        name: "lambda_choices",
        schema: [
          "type": ["array", "null"], "minItems": 1, "maxItems": .integer(choiceLimit), "items": LambdaReader.schema,
        ]),
      FieldDescription(
        name: "lambda_schedule",
        schema: ["type": ["array", "null"], "items": ["type": "array", "minItems": 2, "maxItems": 2]]),
      FieldDescription(
        name: "dera",
        schema: ["type": ["object", "null"], "properties": ["explain": ["type": ["boolean", "null"]]]]),
    ] + SamplingFields.all

  /// - Parameter hasReferencePrompt: λ may be the prompt's.
  init(
    _ fields: Fields, _ headers: HTTPHeaders, _ service: Service, hasReferencePrompt: Bool = false
  ) throws(APIError) {
    let served = service.model
    var lambda = service.lambda
    lambda.hasReferencePrompt = hasReferencePrompt
    self.lambda = lambda
    model = try fields(Self.model) ?? served.name
    options = served.options
    realignment = try Self.realignment(fields, headers, model, lambda, service)
    try SamplingFields.read(fields, into: &options, vocabulary: served.bundle.vocabularySize)
    if let limit = try fields(Self.maxTokens) { options.maxTokens = limit < 0 ? nil : limit }
    isStreamed = try fields(Self.stream) ?? false
    includesUsage = try fields.inside("stream_options")(Self.usage) ?? false
    options.explains = try fields.inside("dera")(Self.explain) ?? false
    options.ignoresEndOfText = try fields(SamplingFields.ignoresEnd) ?? false
    count = try fields(Self.count) ?? 1
    choices = try Self.choices(fields, lambda)
    schedule = try Self.schedule(fields, lambda)
    if choices != nil && count > 1 {
      throw .invalid("'n' and 'lambda_choices' cannot be combined; repeat a λ for another choice", param: "n")
    }
    if options.sampling.seed == nil { options.sampling.seed = .random(in: 0..<1 << 53) }
    do { try options.sampling.validate() } catch { throw APIError(error) }
  }

  /// λ by the body, else by the header, else by the model's name, else the server's.
  private static func realignment(
    _ fields: Fields, _ headers: HTTPHeaders, _ model: String, _ lambda: LambdaReader, _ service: Service
  ) throws(APIError) -> Realignment {
    if let json = fields.json("lambda") { return try lambda(json, param: "lambda") }
    if let text = headers.first(name: "x-dera-lambda") { return try lambda.parse(text, param: "lambda") }
    return try service.realignment(ofName: model) ?? service.model.realignment
  }

  private static func choices(_ fields: Fields, _ lambda: LambdaReader) throws(APIError) -> [Realignment]? {
    let name = "lambda_choices"
    guard let json = fields.json(name) else { return nil }
    guard let values = json.array, (1...choiceLimit).contains(values.count) else {
      throw .invalid("'\(name)' must be a list of 1 to \(choiceLimit) λ, not \(json.summary)", param: name)
    }
    var choices: [Realignment] = []
    for value in values { choices.append(try lambda(value, param: name)) }
    return choices
  }

  /// `[[token, λ], …]`, the tokens ascending.
  private static func schedule(
    _ fields: Fields, _ lambda: LambdaReader
  ) throws(APIError) -> [(token: Int, realignment: Realignment)] {
    let name = "lambda_schedule"
    guard let json = fields.json(name) else { return [] }
    guard let entries = json.array else { throw .invalid("'\(name)' must be a list of [token, λ]", param: name) }
    var schedule: [(token: Int, realignment: Realignment)] = []
    for entry in entries {
      guard let pair = entry.array, pair.count == 2, let token = pair[0].int, token >= 0,
        token >= schedule.last?.token ?? 0
      else { throw .invalid("'\(name)' must be a list of [token, λ], tokens ascending from 0", param: name) }
      schedule.append((token, try lambda(pair[1], param: name)))
    }
    return schedule
  }

  /// The answers to one prompt, one for each choice.
  /// - Parameter reference: the reference prompt, if there is one.
  func requests(
    _ prompt: [Int32], reference: [Int32]? = nil, _ service: Service
  ) throws(APIError) -> [AnswerRequest] {
    guard !prompt.isEmpty, reference?.isEmpty != true else { throw .invalid("the prompt has no tokens", param: nil) }
    let longest = max(prompt.count, reference?.count ?? 0)
    let room = service.model.context - longest
    guard room > 0 || (room == 0 && options.maxTokens == 0) else {
      throw .contextSize(longest, service.model.context)
    }
    return (choices ?? Array(repeating: realignment, count: count)).enumerated().map { index, realignment in
      var request = AnswerRequest(prompt: prompt, realignment: realignment, options: options)
      // Choices of several λ have the seed in common, so that only λ tells them apart.
      if choices == nil { request.options.sampling.seed = options.sampling.seed.map { $0 &+ UInt64(index) } }
      request.referencePrompt = reference
      request.schedule = schedule
      if let first = schedule.last(where: { $0.token == 0 }) { request.realignment = first.realignment }
      request.schedule.removeAll { $0.token == 0 }
      return request
    }
  }
}

extension Service {
  /// λ that a model's name asks for by its end; nil where there is none.
  /// - Throws: for an end that is neither λ nor a preset, of a name that is ours.
  func realignment(ofName name: String) throws(APIError) -> Realignment? {
    var name = name[...]
    if name.hasSuffix(":latest") { name = name.dropLast(7) }
    guard let at = name.lastIndex(of: "@") else { return nil }
    let suffix = String(name[name.index(after: at)...])
    if let realignment = lambda.named(suffix) { return realignment }
    guard name[..<at] == model.name else { return nil }
    let presets = model.presets.map { "'\($0.name)'" }.joined(separator: ", ")
    throw .invalid("'model': '\(suffix)' is neither a λ nor one of the presets \(presets)", param: "model")
  }
}

import DeRa
import DeRaJSON

/// The fields of sampling that all of OpenAI's routes have in common.
enum SamplingFields {
  static let temperature = Field<Float>.number("temperature", .from(0))
  static let topP = Field<Float>.number("top_p", 0...1)
  static let topK = Field<Int>.integer("top_k", -1...(.max))
  static let minP = Field<Float>.number("min_p", 0...1)
  static let plausible = Field<Float>.number("plausible", 0...1)
  static let presence = Field<Float>.number("presence_penalty", .finite)
  static let frequency = Field<Float>.number("frequency_penalty", .finite)
  static let repetition = Field<Float>.number("repeat_penalty", .from(0), exclusiveMinimum: true)
  static let seed = Field<Int>.integer("seed", .min...(.max))
  static let ignoresEnd = Field<Bool>.flag("ignore_eos")
  static let stop = Field<JSON>.any(
    "stop",
    [
      "anyOf": [
        ["type": ["string", "null"]], ["type": "array", "items": ["type": ["string", "null"]], "maxItems": 16],
      ]
    ])
  static let bias = Field<JSON>.any(
    "logit_bias",
    [
      "anyOf": [
        ["type": "object", "additionalProperties": ["type": ["number", "boolean"]]], ["type": "array"],
        ["type": "null"],
      ]
    ])
  static let stopLimit = 16

  static let all: [FieldDescription] = [
    temperature.description, topP.description, topK.description, minP.description, plausible.description,
    presence.description, frequency.description, repetition.description, seed.description, ignoresEnd.description,
    stop.description, bias.description, LambdaReader.field,
  ]

  /// Sets what the body says in `options`.
  static func read(_ fields: Fields, into options: inout GenerationOptions, vocabulary: Int) throws(APIError) {
    if let value = try fields(temperature) { options.sampling.temperature = value }
    if let value = try fields(topP) { options.sampling.topP = topP(value) }
    if let value = try fields(topK) { options.sampling.topK = max(value, 0) }
    if let value = try fields(minP) { options.sampling.minP = value }
    if let value = try fields(plausible) { options.sampling.plausible = value }
    if let value = try fields(presence) { options.sampling.presencePenalty = value }
    if let value = try fields(frequency) { options.sampling.frequencyPenalty = value }
    if let value = try fields(repetition) { options.sampling.repetitionPenalty = value }
    // A negative seed is llama.cpp's and Ollama's word for a random one.
    if let value = try fields(seed) { options.sampling.seed = UInt64(exactly: value) }
    if let value = try fields(stop) { options.stopStrings = try stops(value, stop.name) }
    if let value = try fields(bias) { options.sampling.logitBias = try biases(value, vocabulary) }
  }

  /// 0, which OpenAI allows, keeps the likeliest token as the smallest mass does.
  static func topP(_ value: Float) -> Float { max(value, .leastNormalMagnitude) }

  /// A string or a list of them; nulls and empty strings are no stops.
  static func stops(_ json: JSON, _ name: String) throws(APIError) -> [String] {
    let values = json.array ?? [json]
    guard values.count <= stopLimit else {
      throw .invalid("'\(name)' has \(values.count) strings; at most \(stopLimit) are taken", param: name)
    }
    var stops: [String] = []
    for value in values where !value.isNull {
      guard let text = value.string else {
        throw .invalid("'\(name)' must be a string or a list of strings, not \(value.summary)", param: name)
      }
      if !text.isEmpty { stops.append(text) }
    }
    return stops
  }

  /// `{"id": bias}`, or llama.cpp's `[[id, bias]]`, where false bans a token.
  private static func biases(_ json: JSON, _ vocabulary: Int) throws(APIError) -> [Int32: Float] {
    func wrong(_ what: String) -> APIError {
      .invalid("'logit_bias' must map token ids to numbers from -100 to 100; \(what)", param: "logit_bias")
    }
    var entries: [(id: JSON, value: JSON)] = []
    if let object = json.object {
      entries = zip(object.keys, object.values).map { (Int($0).map(JSON.integer) ?? .string($0), $1) }
    } else if let list = json.array {
      for element in list {
        guard let pair = element.array, pair.count == 2 else { throw wrong("\(element.summary) is no pair") }
        entries.append((pair[0], pair[1]))
      }
    } else {
      throw wrong("it is \(json.summary)")
    }
    var biases: [Int32: Float] = [:]
    for (id, value) in entries {
      guard let token = id.int, (0..<vocabulary).contains(token) else {
        throw wrong("\(id.summary) is no id of the vocabulary (0 to \(vocabulary - 1))")
      }
      if value.bool == false {
        biases[Int32(token)] = -.infinity
      } else if let number = value.double, (-100...100).contains(number) {
        biases[Int32(token)] = Float(number)
      } else {
        throw wrong("\(value.summary) is none")
      }
    }
    return biases
  }
}

import DeRa
import DeRaJSON

/// λ in requests, in all its forms.
struct LambdaReader: Sendable {
  /// Names of the aligned models.
  let models: [String]
  let presets: [ServedModel.Preset]
  /// Whether there is a reference prompt, so that λ may be the prompt's: by its name, or as the last number.
  var hasReferencePrompt = false

  static let schema: JSON = [
    "description": "λ: a number, one for each aligned model, or numbers by name",
    "anyOf": [
      ["type": ["number", "string", "null"]], ["type": "array", "items": ["type": "number"], "minItems": 1],
      ["type": "object", "additionalProperties": ["type": "number"]],
    ],
  ]
  static let field = FieldDescription(name: "lambda", schema: schema)

  /// A number, a text of numbers, a list of numbers, or an object of numbers by the models' names.
  func callAsFunction(_ json: JSON, param: String) throws(APIError) -> Realignment {
    switch json {
    case .string(let text): return try parse(text, param: param)
    case .array(let values):
      guard !values.isEmpty else { throw .invalid("'\(param)' is an empty list", param: param) }
      guard values.count <= max(names.count, 1) else {
        throw .invalid("'\(param)' has \(values.count) numbers for \(list)", param: param)
      }
      var lambdas: [Float] = []
      for value in values { lambdas.append(try number(value, param)) }
      return try fitted(lambdas, param)
    case .object(let object):
      guard !object.isEmpty else { throw .invalid("'\(param)' names no model; there is \(list)", param: param) }
      var realignment = Realignment(lambdas: models.map { _ in 0 })
      for (key, value) in zip(object.keys, object.values) {
        if let index = models.firstIndex(of: key) {
          realignment.lambdas[index] = try number(value, param)
        } else if hasReferencePrompt, key == Realignment.promptName {
          realignment.prompt = try number(value, param)
        } else {
          throw .invalid("'\(param)' names '\(key.prefix(40))'; there is \(list)", param: param)
        }
      }
      return realignment
    default: return try fitted([try number(json, param)], param)
    }
  }

  /// λ from a text, as `--lambda` takes it.
  func parse(_ text: String, param: String) throws(APIError) -> Realignment {
    do throws(RealignmentError) {
      return try Realignment.parse(text, models: models, hasReferencePrompt: hasReferencePrompt)
    } catch {
      throw .invalid("'\(param)': \(error)", param: param)
    }
  }

  /// The λ of a model name's end, `@0.5` or `@preset`; nil where it is neither.
  func named(_ suffix: String) -> Realignment? {
    presets.first { $0.name == suffix }?.realignment ?? (try? Realignment.parse(suffix, models: models))
  }

  /// `{"name": λ}`.
  func json(_ realignment: Realignment) -> JSON {
    var members = zip(models, realignment.lambdas).map { ($0, JSON.double(shortest($1))) }
    if hasReferencePrompt { members.append((Realignment.promptName, .double(shortest(realignment.prompt)))) }
    return JSON(members)
  }

  private func number(_ json: JSON, _ param: String) throws(APIError) -> Float {
    guard let value = json.double, Float(value).isFinite else {
      throw .invalid("'\(param)' must be made of finite numbers, not \(json.summary)", param: param)
    }
    return Float(value)
  }

  /// - Parameter numbers: for the models in their order, then for the prompt.
  private func fitted(_ numbers: [Float], _ param: String) throws(APIError) -> Realignment {
    if names.isEmpty, numbers.contains(where: { $0 != 0 }) {
      throw .invalid("'\(param)': the bundle has one model, so λ can only be 0", param: param)
    }
    var realignment = Realignment(lambdas: models.indices.map { $0 < numbers.count ? numbers[$0] : 0 })
    if hasReferencePrompt, numbers.count > models.count { realignment.prompt = numbers[models.count] }
    return realignment
  }

  private var names: [String] { models + (hasReferencePrompt ? [Realignment.promptName] : []) }
  private var list: String { names.isEmpty ? "none" : names.joined(separator: ", ") }
}

/// The double that is written as the float is: 0.3 and not 0.30000001192092896.
package func shortest(_ value: Float) -> Double { Double("\(value)") ?? Double(value) }

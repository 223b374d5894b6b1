import DeRa
import DeRaJSON

/// λ in requests, in all its forms.
struct LambdaReader: Sendable {
  /// Names of the aligned models.
  let models: [String]
  let presets: [ServedModel.Preset]

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
      guard values.count <= max(models.count, 1) else {
        throw .invalid(
          "'\(param)' has \(values.count) numbers for the aligned models \(list)", param: param)
      }
      var lambdas: [Float] = []
      for value in values { lambdas.append(try number(value, param)) }
      return try fitted(lambdas, param)
    case .object(let object):
      guard !object.isEmpty else { throw .invalid("'\(param)' names no model; there is \(list)", param: param) }
      var lambdas = [Float](repeating: 0, count: models.count)
      for (key, value) in zip(object.keys, object.values) {
        guard let index = models.firstIndex(of: key) else {
          throw .invalid("'\(param)' names '\(key)'; the aligned models are \(list)", param: param)
        }
        lambdas[index] = try number(value, param)
      }
      return Realignment(lambdas: lambdas)
    default: return try fitted([try number(json, param)], param)
    }
  }

  /// λ from a text, as `--lambda` takes it.
  func parse(_ text: String, param: String) throws(APIError) -> Realignment {
    do throws(RealignmentError) {
      return try Realignment.parse(text, models: models)
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
    JSON(zip(models, realignment.lambdas).map { ($0, .double(shortest($1))) })
  }

  private func number(_ json: JSON, _ param: String) throws(APIError) -> Float {
    guard let value = json.double, Float(value).isFinite else {
      throw .invalid("'\(param)' must be made of finite numbers, not \(json.summary)", param: param)
    }
    return Float(value)
  }

  private func fitted(_ lambdas: [Float], _ param: String) throws(APIError) -> Realignment {
    if models.isEmpty, lambdas.contains(where: { $0 != 0 }) {
      throw .invalid("'\(param)': the bundle has one model, so λ can only be 0", param: param)
    }
    return Realignment(lambdas: models.indices.map { $0 < lambdas.count ? lambdas[$0] : 0 })
  }

  private var list: String { models.isEmpty ? "none" : models.joined(separator: ", ") }
}

/// The double that is written as the float is: 0.3 and not 0.30000001192092896.
func shortest(_ value: Float) -> Double { Double("\(value)") ?? Double(value) }

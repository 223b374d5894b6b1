/// The alignment strength λ of an answer: a number, one number a model, or numbers by the models' names.
///
/// 0 is the reference model, 1 the aligned one; anything between or beyond is a strength nobody had to train. Literals
/// work wherever a λ is taken: `0.7`, `[0.5, 0.3]`, `["brief": 0.5, "happy": 0.3]`.
public struct Lambda: Sendable, Hashable {
  private enum Form: Hashable {
    case first(Double)
    case ordered([Double])
    case named([String: Double])
  }

  private let form: Form

  /// λ of the bundle's first aligned model; further ones get 0.
  public init(_ value: Double) { form = .first(value) }

  /// λ of the aligned models in the bundle's order; missing ones get 0.
  public init(_ values: [Double]) { form = .ordered(values) }

  /// λ by the aligned models' names; those not named get 0.
  public init(_ values: [String: Double]) { form = .named(values) }
}

extension Lambda: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral
{
  /// One number, for the aligned model of a pair.
  public init(floatLiteral value: Double) { self.init(value) }
  /// One number, for the aligned model of a pair.
  public init(integerLiteral value: Int) { self.init(Double(value)) }
  /// One number an aligned model, in the bundle's order.
  public init(arrayLiteral elements: Double...) { self.init(elements) }

  /// A name that stands twice has its last value.
  public init(dictionaryLiteral elements: (String, Double)...) {
    self.init(Dictionary(elements) { _, last in last })
  }
}

extension Lambda: CustomStringConvertible {
  /// `0.7`, `0.5, 0.3` or `brief=0.5, happy=0.3`.
  public var description: String {
    switch form {
    case .first(let value): "\(value)"
    case .ordered(let values): values.map { "\($0)" }.joined(separator: ", ")
    case .named(let values):
      values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
    }
  }
}

extension Lambda {
  /// The weights it gives a bundle's models.
  /// - Parameter models: names of the aligned models, in the bundle's order.
  /// - Throws: `DeRaError.unknownModel`, `.tooManyLambdas` or `.invalidLambda`.
  func realignment(models: [String]) throws(DeRaError) -> Realignment {
    var lambdas = [Float](repeating: 0, count: models.count)
    switch form {
    case .first(let value):
      // With nothing to realign, the default must not be an error.
      if models.isEmpty && (value == 0 || value == 1) { return Realignment(lambdas: []) }
      try Self.set(&lambdas, [value], models)
    case .ordered(let values): try Self.set(&lambdas, values, models)
    case .named(let values):
      for (name, value) in values {
        guard let index = models.firstIndex(of: name) else { throw .unknownModel(name, known: models) }
        lambdas[index] = try Self.checked(value)
      }
    }
    return Realignment(lambdas: lambdas)
  }

  private static func set(_ lambdas: inout [Float], _ values: [Double], _ models: [String]) throws(DeRaError) {
    guard values.count <= models.count else { throw .tooManyLambdas(values.count, models: models) }
    for (index, value) in values.enumerated() { lambdas[index] = try checked(value) }
  }

  private static func checked(_ value: Double) throws(DeRaError) -> Float {
    let number = Float(value)
    guard number.isFinite else { throw .invalidLambda(value) }
    return number
  }
}

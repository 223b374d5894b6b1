/// The filters, which stand after `|`. They are in the files `Filters+….swift`.
struct Filters {
  typealias Body = @Sendable (Value, BoundArguments, Interpreter) throws(TemplateError) -> Value

  let parameters: [String]
  let body: Body

  init(_ parameters: [String] = [], _ body: @escaping Body) {
    self.parameters = parameters
    self.body = body
  }

  static let all = [texts, layouts, sequences, selections, prettyPrinting].reduce(into: [String: Filters]()) {
    all, part in
    all.merge(part) { first, _ in first }
  }
}

extension Interpreter {
  /// The value an `attribute=` argument names: names and numbers with dots between them.
  func attribute(path: Value, of value: Value) throws(TemplateError) -> Value {
    guard case .string(let path) = path else { return try item(path, of: value) }
    var value = value
    for part in path.split(separator: ".", omittingEmptySubsequences: false) {
      try meter.step()
      let name = Text(part)
      let index = name.allSatisfy(\.isDigit) ? Int(name.string) : nil
      value = try item(index.map(Value.int) ?? .string(name), of: value)
    }
    return value
  }
}

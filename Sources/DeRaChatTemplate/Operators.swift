// Arithmetic, `~` and slices, with Python's results.

/// A number, with booleans counting as 0 and 1.
enum Number {
  case int(Int)
  case double(Double)

  var double: Double {
    switch self {
    case .int(let value): Double(value)
    case .double(let value): value
    }
  }
}

extension Value {
  var number: Number? {
    switch self {
    case .bool(let value): .int(value ? 1 : 0)
    case .int(let value): .int(value)
    case .double(let value): .double(value)
    default: nil
    }
  }

  /// The value of an integer or boolean.
  var integer: Int? {
    if case .int(let value)? = number { value } else { nil }
  }
}

extension Meter {
  func combine(_ left: Value, _ binary: BinaryOperator, _ right: Value) throws(TemplateError) -> Value {
    if binary == .concatenate { return .string(try joined([try string(left), try string(right)])) }
    if binary == .remainder, case .string(let format) = left { return .string(try formatted(format, right)) }
    try require(left)
    try require(right)
    if let left = left.number, let right = right.number { return try calculate(left, binary, right) }
    switch (binary, left, right) {
    case (.add, .string(let left), .string(let right)): return .string(try joined([left, right]))
    case (.add, .list(let left), .list(let right)): return try .list(left.values + right.values, self)
    case (.add, .tuple(let left), .tuple(let right)): return try .tuple(left.values + right.values, self)
    case (.multiply, let value, .int(let count)), (.multiply, .int(let count), let value):
      if let repeated = try repeated(value, count) { return repeated }
    default: break
    }
    let types = "'\(left.typeName)' and '\(right.typeName)'"
    throw error(.value, "the operator '\(binary.rawValue)' does not take \(types)")
  }

  private func joined(_ texts: [Text]) throws(TemplateError) -> Text {
    try allocate(texts.reduce(0) { $0 + $1.count })
    return Text(texts.joined())
  }

  private func repeated(_ value: Value, _ count: Int) throws(TemplateError) -> Value? {
    let count = max(0, count)
    switch value {
    case .string(let text):
      try allocate(count, times: text.count)
      return .string(text.isEmpty ? text : Text(repeatElement(text, count: count).joined()))
    case .list(let items), .tuple(let items):
      // Counted before the copies are made, and again as a list.
      try allocate(count, times: items.values.count)
      let values = items.values.isEmpty ? [] : Array(repeatElement(items.values, count: count).joined())
      if case .list = value { return try .list(values, self) }
      return try .tuple(values, self)
    default: return nil
    }
  }

  func negate(_ value: Value) throws(TemplateError) -> Value {
    try require(value)
    guard let number = value.number else { throw error(.value, "'-' does not take '\(value.typeName)'") }
    if case .double(let value) = number { return .double(-value) }
    return try calculate(.int(0), .subtract, number)
  }

  func positive(_ value: Value) throws(TemplateError) -> Value {
    try require(value)
    switch value.number {
    case .int(let value): return .int(value)
    case .double(let value): return .double(value)
    case nil: throw error(.value, "'+' does not take '\(value.typeName)'")
    }
  }

  // MARK: Numbers

  private func calculate(_ left: Number, _ binary: BinaryOperator, _ right: Number) throws(TemplateError) -> Value {
    let divides = binary == .divide || binary == .floorDivide || binary == .remainder
    if divides, right.double == 0 { throw error(.value, "division by zero") }
    if case .int(let left) = left, case .int(let right) = right, binary != .divide,
      let value = try calculate(left, binary, right)
    {
      return .int(value)
    }
    return .double(try calculate(left.double, binary, right.double))
  }

  /// `nil` when the result is not a whole number.
  private func calculate(_ left: Int, _ binary: BinaryOperator, _ right: Int) throws(TemplateError) -> Int? {
    let result: (partialValue: Int, overflow: Bool)
    switch binary {
    case .add: result = left.addingReportingOverflow(right)
    case .subtract: result = left.subtractingReportingOverflow(right)
    case .multiply: result = left.multipliedReportingOverflow(by: right)
    case .floorDivide:
      let quotient = left.dividedReportingOverflow(by: right)
      let rounds = !quotient.overflow && left % right != 0 && (left < 0) != (right < 0)
      result = (rounds ? quotient.partialValue - 1 : quotient.partialValue, quotient.overflow)
    case .remainder:
      let rest = left.remainderReportingOverflow(dividingBy: right)
      let value = rest.partialValue
      result = (value != 0 && (value < 0) != (right < 0) ? value + right : value, false)
    case .power:
      if right < 0 { return nil }
      result = left.raisedReportingOverflow(to: right)
    case .divide, .concatenate: return nil
    }
    if result.overflow { throw error(.value, "the result of '\(binary.rawValue)' does not fit in 64 bits") }
    return result.partialValue
  }

  private func calculate(_ left: Double, _ binary: BinaryOperator, _ right: Double) throws(TemplateError) -> Double {
    switch binary {
    case .add: return left + right
    case .subtract: return left - right
    case .multiply: return left * right
    case .divide: return left / right
    case .floorDivide: return ((left - remainder(left, right)) / right).rounded(.toNearestOrEven)
    case .remainder: return remainder(left, right)
    case .power:
      if left == 0, right < 0 { throw error(.value, "0 cannot be raised to a negative power") }
      if left < 0, right.rounded() != right { throw error(.value, "the result of '**' is not a real number") }
      return CMath.power(left, right)
    case .concatenate: return .nan
    }
  }

  /// The remainder with the sign of the divisor.
  private func remainder(_ left: Double, _ right: Double) -> Double {
    let rest = left.truncatingRemainder(dividingBy: right)
    return rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest
  }

  // MARK: Slices

  func slice(_ value: Value, start: Value?, end: Value?, step: Value?) throws(TemplateError) -> Value {
    try require(value)
    func bound(_ value: Value?) throws(TemplateError) -> Int? {
      switch value {
      case nil, .some(.none): return nil
      case let value?:
        guard let integer = value.integer else {
          throw error(.value, "the bounds of a slice must be whole numbers, not '\(value.typeName)'")
        }
        return integer
      }
    }
    let step = try bound(step) ?? 1
    if step == 0 { throw error(.value, "the step of a slice cannot be 0") }
    let bounds = (try bound(start), try bound(end))
    switch value {
    case .string(let text): return .string(try slice(text, bounds.0, bounds.1, step))
    case .list(let items): return try .list(try slice(items.values, bounds.0, bounds.1, step), self)
    case .tuple(let items): return try .tuple(try slice(items.values, bounds.0, bounds.1, step), self)
    default: throw error(.value, "'\(value.typeName)' object cannot be sliced")
    }
  }

  private func slice<Element>(
    _ elements: [Element], _ start: Int?, _ end: Int?, _ step: Int
  ) throws(TemplateError) -> [Element] {
    let count = elements.count
    let lowest = step < 0 ? -1 : 0
    let highest = step < 0 ? count - 1 : count
    func clamped(_ bound: Int) -> Int { max(lowest, min(highest, bound < 0 ? max(bound, -count - 1) + count : bound)) }
    let first = start.map(clamped) ?? (step < 0 ? highest : lowest)
    let last = end.map(clamped) ?? (step < 0 ? lowest : highest)
    // A longer step than the elements would only overflow.
    let stride = stride(from: first, to: last, by: max(-count - 1, min(count + 1, step)))
    try allocate(abs(last - first) / abs(step == .min ? .max : step) + 1)
    return stride.map { elements[$0] }
  }
}

extension Int {
  func raisedReportingOverflow(to exponent: Int) -> (partialValue: Int, overflow: Bool) {
    if self == 0 || self == 1 || self == -1 {
      return (exponent == 0 || self == 1 ? 1 : self == 0 ? 0 : exponent % 2 == 0 ? 1 : -1, false)
    }
    var result = 1
    for _ in 0..<Swift.min(exponent, 64) {
      let (product, overflow) = result.multipliedReportingOverflow(by: self)
      if overflow { return (0, true) }
      result = product
    }
    return (result, exponent > 64)
  }
}

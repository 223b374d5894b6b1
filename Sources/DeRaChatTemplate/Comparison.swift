// Equality, order and membership, with Python's results.
extension Meter {
  func compare(_ left: Value, _ comparison: ComparisonOperator, _ right: Value) throws(TemplateError) -> Bool {
    switch comparison {
    case .equal: return try equal(left, right)
    case .notEqual: return !(try equal(left, right))
    case .isIn: return try contains(right, left)
    case .notIn: return !(try contains(right, left))
    case .less: return try less(left, right, comparison)
    case .greater: return try less(right, left, comparison)
    case .lessOrEqual: return try lessOrEqual(left, right, comparison)
    case .greaterOrEqual: return try lessOrEqual(right, left, comparison)
    }
  }

  func equal(_ left: Value, _ right: Value) throws(TemplateError) -> Bool {
    try step()
    if let left = left.number, let right = right.number {
      if case .int(let left) = left, case .int(let right) = right { return left == right }
      return left.double == right.double
    }
    switch (left, right) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.string(let left), .string(let right)):
      try touch(min(left.count, right.count))
      return left == right
    case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
      guard left.values.count == right.values.count else { return false }
      for (left, right) in zip(left.values, right.values) where !(try equal(left, right)) { return false }
      return true
    case (.mapping(let left), .mapping(let right)):
      guard left.entries.count == right.entries.count else { return false }
      for entry in left.entries {
        guard let other = try right.get(entry.key, self), try equal(entry.value, other) else { return false }
      }
      return true
    case (.namespace(let left), .namespace(let right)), (.macro(let left), .macro(let right)): return left == right
    case (.function(let left), .function(let right)): return left == right
    case (.loop(let left), .loop(let right)): return left === right
    default: return false
    }
  }

  /// `left < right`; `comparison` is what the template wrote, for the message.
  func less(
    _ left: Value, _ right: Value, _ comparison: ComparisonOperator = .less
  ) throws(TemplateError) -> Bool {
    try step()
    if let left = left.number, let right = right.number {
      if case .int(let left) = left, case .int(let right) = right { return left < right }
      return left.double < right.double
    }
    switch (left, right) {
    case (.string(let left), .string(let right)):
      try touch(min(left.count, right.count))
      return left.lexicographicallyPrecedes(right)
    case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)):
      for (left, right) in zip(left.values, right.values) where !(try equal(left, right)) {
        return try less(left, right, comparison)
      }
      return left.values.count < right.values.count
    default:
      try require(left)
      try require(right)
      let types = "'\(left.typeName)' and '\(right.typeName)'"
      throw error(.value, "'\(comparison.rawValue)' is not supported between \(types)")
    }
  }

  /// Not `!(right < left)`, which is wrong for NaN.
  private func lessOrEqual(
    _ left: Value, _ right: Value, _ comparison: ComparisonOperator
  ) throws(TemplateError) -> Bool {
    if try less(left, right, comparison) { return true }
    return try equal(left, right)
  }

  func contains(_ container: Value, _ element: Value) throws(TemplateError) -> Bool {
    switch container {
    case .undefined: return false
    case .string(let text):
      guard case .string(let part) = element else {
        throw error(.value, "'in' a string needs a string on its left, not '\(element.typeName)'")
      }
      return try text.find(part, self) != nil
    case .mapping(let mapping): return try mapping.get(element, self) != nil
    case .list(let items), .tuple(let items):
      for item in items.values where try equal(item, element) { return true }
      return false
    default: throw error(.value, "'in' needs a string, list or dictionary on its right, not '\(container.typeName)'")
    }
  }
}

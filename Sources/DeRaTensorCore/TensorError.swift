/// A shape or a size that cannot be.
package enum TensorError: Error, Equatable, CustomStringConvertible {
  case badShape(String)
  case overflow(String)

  package var description: String {
    switch self {
    case .badShape(let what), .overflow(let what): what
    }
  }
}

/// Products and sums of untrusted counts.
package enum CheckedSize {
  /// - Throws: `TensorError.overflow` when a factor is negative or the product does not fit in `Int`.
  package static func product(_ factors: Int...) throws(TensorError) -> Int {
    try product(of: factors)
  }

  /// - Throws: `TensorError.overflow` when a factor is negative or the product does not fit in `Int`.
  package static func product(of factors: [Int]) throws(TensorError) -> Int {
    var result = 1
    for factor in factors {
      let (value, overflow) = result.multipliedReportingOverflow(by: factor)
      guard factor >= 0, !overflow else {
        throw .overflow("the product of \(factors.map(String.init).joined(separator: " × ")) does not fit in 64 bits")
      }
      result = value
    }
    return result
  }

  /// - Throws: `TensorError.overflow` when a term is negative or the sum does not fit in `Int`.
  package static func sum(_ left: Int, _ right: Int) throws(TensorError) -> Int {
    let (value, overflow) = left.addingReportingOverflow(right)
    guard left >= 0, right >= 0, !overflow else { throw .overflow("\(left) + \(right) does not fit in 64 bits") }
    return value
  }

  /// `value` rounded up to a multiple of `alignment` (a positive number).
  /// - Throws: `TensorError.overflow` when the result does not fit in `Int`.
  package static func aligned(_ value: Int, to alignment: Int) throws(TensorError) -> Int {
    let rest = value % alignment
    return rest == 0 ? value : try sum(value, alignment - rest)
  }
}

extension Int {
  /// The least multiple of `step` that is not below a number known to be small; `CheckedSize.aligned` is for the others.
  @inlinable
  package func roundedUp(toMultipleOf step: Int) -> Int { (self + step - 1) / step * step }
}

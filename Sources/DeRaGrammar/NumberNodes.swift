import DeRaJSON

/// A decimal number, exact.
struct Decimal: Sendable, Equatable {
  var isNegative: Bool
  /// Digits without leading zeros; empty for 0.
  var whole: [UInt8]
  /// Digits without trailing zeros.
  var fraction: [UInt8]

  static let zero = Decimal(isNegative: false, whole: [], fraction: [])

  /// - Parameter number: a JSON number; nil for other values and those of more than 40 digits before or after the point.
  init?(_ number: JSON) {
    let text: String
    switch number {
    case .integer(let value): text = String(value)
    case .double(let value): text = value.description
    default: return nil
    }
    let parts = text.split(separator: "e")
    let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    guard abs(exponent) <= 40 else { return nil }
    isNegative = text.hasPrefix("-")
    let digits = parts[0].drop { $0 == "-" }.split(separator: ".", omittingEmptySubsequences: false)
    var whole = digits[0].utf8.map { $0 - 0x30 }
    var fraction = digits.count > 1 ? digits[1].utf8.map { $0 - 0x30 } : []
    for _ in 0..<max(0, exponent) { whole.append(fraction.isEmpty ? 0 : fraction.removeFirst()) }
    for _ in 0..<max(0, -exponent) { fraction.insert(whole.popLast() ?? 0, at: 0) }
    self.whole = Array(whole.drop { $0 == 0 })
    while fraction.last == 0 { fraction.removeLast() }
    self.fraction = fraction
    if self.whole.isEmpty && fraction.isEmpty { isNegative = false }
    guard self.whole.count <= 40, fraction.count <= 40 else { return nil }
  }

  private init(isNegative: Bool, whole: [UInt8], fraction: [UInt8]) {
    self.isNegative = isNegative
    self.whole = whole
    self.fraction = fraction
  }

  var negated: Decimal {
    self == .zero ? self : Decimal(isNegative: !isNegative, whole: whole, fraction: fraction)
  }

  static func < (left: Decimal, right: Decimal) -> Bool {
    if left.isNegative != right.isNegative { return left.isNegative }
    let (low, high) = left.isNegative ? (right, left) : (left, right)
    if low.whole.count != high.whole.count { return low.whole.count < high.whole.count }
    if low.whole != high.whole { return low.whole.lexicographicallyPrecedes(high.whole) }
    return low.fraction.lexicographicallyPrecedes(high.fraction)
  }
}

/// One end of a range of numbers.
struct Bound: Sendable, Equatable {
  var value: Decimal
  var isExclusive: Bool
}

/// Numbers between bounds, digit by digit. Whole numbers are written without fraction or exponent; −0 is not written.
enum NumberNodes {
  private typealias Digits = [UInt8]
  private static let minus = Node.text("-")
  private static let nonzero = Node.range(UInt8(ascii: "1")...UInt8(ascii: "9"))

  private static func digits(_ min: Int, _ max: Int) -> Node { .repetition(.digit, min: min, max: max) }
  private static func range(_ low: UInt8, _ high: UInt8) -> Node {
    low > high ? .nothing : .range((0x30 + low)...(0x30 + high))
  }

  /// Digits that a bounded number's whole part may have where one end is open.
  static let openDigits = 18

  /// - Parameters:
  ///   - isWhole: no fraction and no exponent.
  static func numbers(from low: Bound?, to high: Bound?, isWhole: Bool) -> Node {
    if low == nil && high == nil { return isWhole ? anyInteger : anyNumber }
    let zero = Bound(value: .zero, isExclusive: false)
    let aboveZero = Bound(value: .zero, isExclusive: true)
    var parts: [Node] = []
    // A negative number's magnitude lies between the bounds' magnitudes, the other way round.
    if low.map({ $0.value.isNegative }) ?? true {
      let least = high.flatMap {
        $0.value.isNegative ? Bound(value: $0.value.negated, isExclusive: $0.isExclusive) : nil
      }
      let most = low.map { Bound(value: $0.value.negated, isExclusive: $0.isExclusive) }
      parts.append(.sequence([minus, magnitudes(least ?? aboveZero, most, isWhole)]))
    }
    if !(high?.value.isNegative ?? false) {
      let least = low.flatMap { $0.value.isNegative ? nil : $0 } ?? zero
      parts.append(magnitudes(least, high, isWhole))
    }
    return .choice(parts)
  }

  static let anyInteger = Node.choice([
    .text("0"), .sequence([.optional(minus), nonzero, digits(0, GrammarLimits.digits - 1)]),
  ])

  static let anyNumber = Node.sequence([
    .optional(minus), .choice([.text("0"), .sequence([nonzero, digits(0, GrammarLimits.digits - 1)])]),
    .optional(.sequence([.text("."), digits(1, GrammarLimits.digits)])),
    .optional(
      .sequence([.choice([.text("e"), .text("E")]), .optional(.choice([.text("+"), minus])), digits(1, 2)])),
  ])

  /// Numbers that are not negative.
  private static func magnitudes(_ low: Bound, _ high: Bound?, _ isWhole: Bool) -> Node {
    if let high, high.value < low.value { return .nothing }
    let top = high?.value.whole ?? Digits(repeating: 9, count: max(openDigits, low.value.whole.count + 1))
    let bottom = low.value.whole
    // Fifteen digits in all are told apart by doubles, which readers hold numbers in.
    let places = max(
      low.value.fraction.count, high?.value.fraction.count ?? 0, 15 - max(bottom.count, high?.value.whole.count ?? 0), 1
    )
    func fraction(_ low: Bound?, _ high: Bound?) -> Node {
      let low = low.map { ($0.value.fraction, $0.isExclusive) }
      let high = high.map { ($0.value.fraction, $0.isExclusive) }
      if isWhole { return endsHere(low, high) ? .empty : .nothing }
      return fractions(low, high, places)
    }
    if high != nil && bottom == top { return .sequence([spelled(bottom), fraction(low, high)]) }
    var parts: [Node] = [.sequence([spelled(bottom), fraction(low, nil)])]
    if let high { parts.append(.sequence([spelled(top), fraction(nil, high)])) }
    let first = successor(bottom)
    let last = high == nil ? top : predecessor(top)
    if first.count < last.count || (first.count == last.count && !last.lexicographicallyPrecedes(first)) {
      parts.append(.sequence([wholes(first, last), fraction(nil, nil)]))
    }
    return .choice(parts)
  }

  private static func spelled(_ digits: Digits) -> Node { .bytes(digits.isEmpty ? [0x30] : digits.map { $0 + 0x30 }) }

  private static func successor(_ digits: Digits) -> Digits {
    var result = digits
    for index in result.indices.reversed() {
      if result[index] < 9 {
        result[index] += 1
        return result
      }
      result[index] = 0
    }
    return [1] + result
  }

  /// - Parameter digits: of a number above 0.
  private static func predecessor(_ digits: Digits) -> Digits {
    var result = digits
    for index in result.indices.reversed() {
      if result[index] > 0 {
        result[index] -= 1
        break
      }
      result[index] = 9
    }
    return Digits(result.drop { $0 == 0 })
  }

  /// Whole numbers from `low`, above 0, to `high`.
  private static func wholes(_ low: Digits, _ high: Digits) -> Node {
    .choice(
      (low.count...high.count).map { count in
        between(
          count == low.count ? low : [1] + Digits(repeating: 0, count: count - 1),
          count == high.count ? high : Digits(repeating: 9, count: count))
      })
  }

  /// Digit strings of one length between two.
  private static func between(_ low: Digits, _ high: Digits) -> Node {
    guard let first = low.first, let last = high.first else { return .empty }
    if low.allSatisfy({ $0 == 0 }), high.allSatisfy({ $0 == 9 }) { return digits(low.count, low.count) }
    let rest = low.count - 1
    let lowRest = Digits(low.dropFirst())
    let highRest = Digits(high.dropFirst())
    if first == last { return .sequence([range(first, first), between(lowRest, highRest)]) }
    return .choice([
      .sequence([range(first, first), between(lowRest, Digits(repeating: 9, count: rest))]),
      first + 1 > last - 1 ? .nothing : .sequence([range(first + 1, last - 1), digits(rest, rest)]),
      .sequence([range(last, last), between(Digits(repeating: 0, count: rest), highRest)]),
    ])
  }
}

/// Fractions between bounds: nothing, or a point and digits. A bound is its digits and whether it is left out.
extension NumberNodes {
  private typealias Limit = (digits: [UInt8], isExclusive: Bool)

  /// Whether a number may stop where only zeros would follow.
  private static func endsHere(_ low: Limit?, _ high: Limit?) -> Bool {
    let isAboveLow = low.map { $0.digits.allSatisfy { $0 == 0 } && !$0.isExclusive } ?? true
    let isBelowHigh = high.map { !$0.digits.allSatisfy { $0 == 0 } || !$0.isExclusive } ?? true
    return isAboveLow && isBelowHigh
  }

  private static func fractions(
    _ low: (digits: [UInt8], isExclusive: Bool)?, _ high: (digits: [UInt8], isExclusive: Bool)?, _ places: Int
  ) -> Node {
    .choice([endsHere(low, high) ? .empty : .nothing, .sequence([.text("."), digit(low, high, places)])])
  }

  /// One more digit at least, `places` at most.
  private static func digit(_ low: Limit?, _ high: Limit?, _ places: Int) -> Node {
    guard places > 0 else { return .nothing }
    if low == nil && high == nil { return digits(1, places) }
    let first = low.map { $0.digits.first ?? 0 } ?? 0
    let last = high.map { $0.digits.first ?? 0 } ?? 9
    guard first <= last else { return .nothing }
    func rest(_ limit: Limit?) -> Limit? { limit.map { (Array($0.digits.dropFirst()), $0.isExclusive) } }
    func more(_ low: Limit?, _ high: Limit?) -> Node {
      .choice([endsHere(low, high) ? .empty : .nothing, digit(low, high, places - 1)])
    }
    var parts: [Node] = []
    if low != nil && high != nil && first == last {
      parts.append(.sequence([range(first, first), more(rest(low), rest(high))]))
    } else {
      if low != nil { parts.append(.sequence([range(first, first), more(rest(low), nil)])) }
      if high != nil { parts.append(.sequence([range(last, last), more(nil, rest(high))])) }
      let from = low == nil ? 0 : first + 1
      let to = high == nil ? 9 : Int(last) - 1
      if Int(from) <= to { parts.append(.sequence([range(from, UInt8(to)), more(nil, nil)])) }
    }
    return .choice(parts)
  }
}

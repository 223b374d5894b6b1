import DeRaJSON

/// A keyword of a schema with its value, read as what it must be.
struct Keyword {
  var name: String
  var value: JSON
  /// Where the schema is.
  var path: String

  func malformed(_ expected: String) -> GrammarError { .malformed(keyword: name, path: path, expected: expected) }
  func unsupported(_ reason: String) -> GrammarError { .unsupported(keyword: name, path: path, reason: reason) }

  func count() throws(GrammarError) -> Int {
    guard let count = value.int, count >= 0 else { throw malformed("a whole number from 0") }
    return count
  }

  func string() throws(GrammarError) -> String {
    guard let string = value.string else { throw malformed("a string") }
    return string
  }

  func array() throws(GrammarError) -> [JSON] {
    guard let array = value.array else { throw malformed("an array") }
    return array
  }

  func object() throws(GrammarError) -> JSONObject {
    guard let object = value.object else { throw malformed("an object") }
    return object
  }

  func strings() throws(GrammarError) -> [String] {
    let strings = try array().compactMap(\.string)
    guard strings.count == value.array?.count else { throw malformed("an array of strings") }
    return strings
  }

  func kinds() throws(GrammarError) -> Kinds {
    var names = [value.string ?? ""]
    if value.string == nil { names = try strings() }
    var kinds: Kinds = []
    for name in names {
      guard let kind = Kinds.named[name] else {
        throw malformed("one of \(Kinds.named.keys.sorted().joined(separator: ", "))")
      }
      kinds.formUnion(kind)
    }
    return kinds
  }

  func format() throws(GrammarError) -> String {
    let name = try string()
    guard Formats.patterns[name] != nil else {
      throw unsupported("'\(name)' is none of \(Formats.patterns.keys.sorted().joined(separator: ", "))")
    }
    return name
  }

  func bound(isExclusive: Bool) throws(GrammarError) -> Bound {
    guard value.double != nil else { throw malformed("a number") }
    guard let decimal = Decimal(value) else { throw unsupported("numbers of more than 40 digits") }
    return Bound(value: decimal, isExclusive: isExclusive)
  }
}

/// Formats of strings as regular expressions for the whole text.
enum Formats {
  private static let month31 = "(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
  private static let month30 = "(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
  private static let february = "02-(?:0[1-9]|1[0-9]|2[0-8])"
  private static let year = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
  private static let leapYear =
    "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
  private static let date = "(?:\(year)-(?:\(month31)|\(month30)|\(february))|\(leapYear)-02-29)"
  private static let clock = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
  private static let time = "\(clock):[0-5][0-9](?:\\.[0-9]{1,9})?(?:Z|[+-]\(clock))"
  private static let octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
  private static let hex = "[0-9a-fA-F]"

  /// RFC 3339 without leap seconds; UUIDs of RFC 4122.
  static let patterns = [
    "date": "^\(date)$", "time": "^\(time)$", "date-time": "^\(date)T\(time)$",
    "uuid": "^\(hex){8}-\(hex){4}-\(hex){4}-\(hex){4}-\(hex){12}$", "ipv4": "^(?:\(octet)\\.){3}\(octet)$",
  ]
}

extension Shape {
  init(low: Bound) { self.low = low }
  init(high: Bound) { self.high = high }

  mutating func restrict(to values: [JSON]) {
    var other = Shape()
    other.values = values
    self = merged(with: other)
  }

  /// Required properties that are not described get what applies to others.
  mutating func completeRequired() {
    for name in required where !properties.contains(where: { JSON.equal($0.name, name) }) {
      properties.append(.init(name: name, schema: additional))
    }
  }
}

/// Reads regular expressions as ECMA-262 writes them, as far as they are regular: no look-around, no back-references, no
/// word boundaries, no Unicode properties, anchors only at the ends of the whole.
struct RegexParser {
  private let pattern: String
  private let scalars: [UInt32]
  private var position = 0
  private var depth = 0

  private init(_ pattern: String) {
    self.pattern = pattern
    scalars = pattern.unicodeScalars.map(\.value)
  }

  /// The texts that match from the first character to the last.
  /// - Throws: `GrammarError.pattern`, `.tooLarge`.
  static func wholeMatch(_ pattern: String) throws(GrammarError) -> Node {
    var parser = RegexParser(pattern)
    return .choice(try parser.parse().map(\.node))
  }

  /// The texts that have a match anywhere, as `pattern` in JSON Schema means it.
  /// - Throws: as `wholeMatch`.
  static func search(_ pattern: String) throws(GrammarError) -> Node {
    var parser = RegexParser(pattern)
    let anything = Node.repeated(.scalars(ScalarSet.all), min: 0, max: nil)
    return .choice(
      try parser.parse().map { alternative in
        .sequence(
          (alternative.isAtStart ? [] : [anything]) + [alternative.node] + (alternative.isAtEnd ? [] : [anything]))
      })
  }

  private typealias Alternative = (node: Node, isAtStart: Bool, isAtEnd: Bool)

  private mutating func parse() throws(GrammarError) -> [Alternative] {
    let alternatives = try alternatives()
    guard position == scalars.count else { throw error("a group ends that did not begin") }
    return alternatives
  }

  private func error(_ problem: String, at offset: Int? = nil) -> GrammarError {
    .pattern(problem: problem, offset: offset ?? position, pattern: String(pattern.prefix(100)))
  }

  private var next: Unicode.Scalar? { position < scalars.count ? Unicode.Scalar(scalars[position]) : nil }

  private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
    guard next == scalar else { return false }
    position += 1
    return true
  }

  private mutating func alternatives() throws(GrammarError) -> [Alternative] {
    var result: [Alternative] = []
    repeat {
      let isAtStart = depth == 0 && take("^")
      let (node, isAtEnd) = try sequence()
      result.append((node, isAtStart, isAtEnd))
    } while take("|")
    return result
  }

  private mutating func sequence() throws(GrammarError) -> (Node, isAtEnd: Bool) {
    var nodes: [Node] = []
    while let scalar = next, scalar != "|", scalar != ")" {
      if scalar == "$", depth == 0, position + 1 == scalars.count || scalars[position + 1] == 0x7c {
        position += 1
        return (.sequence(nodes), true)
      }
      nodes.append(try quantified(try atom()))
    }
    return (.sequence(nodes), false)
  }

  private mutating func atom() throws(GrammarError) -> Node {
    let start = position
    guard let scalar = next else { throw error("something is missing") }
    position += 1
    switch scalar {
    case "(": return try group()
    case "[": return .scalars(try characterClass())
    case ".": return .scalars(RegexClasses.dot)
    case "\\": return .scalars(try escape(inClass: false))
    case "^", "$": throw error("anchors are supported at the ends of the whole only", at: start)
    case "*", "+", "?": throw error("nothing to repeat", at: start)
    default: return .scalars([scalar.value...scalar.value])
    }
  }

  private mutating func group() throws(GrammarError) -> Node {
    let start = position - 1
    if take("?") {
      if take("<") {
        guard next != "=", next != "!" else { throw error("look-behind is not supported", at: start) }
        while let scalar = next, scalar != ">" { position += scalar == "\\" ? 2 : 1 }
        guard take(">") else { throw error("the name of a group does not end", at: start) }
      } else if !take(":") {
        throw error("look-ahead and flags are not supported", at: start)
      }
    }
    depth += 1
    guard depth <= GrammarLimits.groups else { throw .tooLarge(what: "nested groups", limit: GrammarLimits.groups) }
    let node = Node.choice(try alternatives().map(\.node))
    depth -= 1
    guard take(")") else { throw error("a group does not end", at: start) }
    return node
  }

  private mutating func quantified(_ node: Node) throws(GrammarError) -> Node {
    let start = position
    var bounds: (min: Int, max: Int?)?
    if take("*") { bounds = (0, nil) } else if take("+") { bounds = (1, nil) } else if take("?") { bounds = (0, 1) }
    if bounds == nil, next == "{" { bounds = try counts() }
    guard let bounds else { return node }
    guard bounds.max ?? bounds.min >= bounds.min else { throw error("the bounds are out of order", at: start) }
    _ = take("?")  // Lazy: the same texts.
    if next == "*" || next == "+" || next == "?" { throw error("nothing to repeat") }
    return .repetition(node, min: bounds.min, max: bounds.max)
  }

  /// `{2}`, `{2,}`, `{2,3}`; nil where the brace stands for itself.
  private mutating func counts() throws(GrammarError) -> (min: Int, max: Int?)? {
    let start = position
    position += 1
    if let low = try count() {
      if take("}") { return (low, low) }
      if take(",") {
        if take("}") { return (low, nil) }
        if let high = try count(), take("}") { return (low, high) }
      }
    }
    position = start
    return nil
  }

  private mutating func count() throws(GrammarError) -> Int? {
    var value: Int?
    while let scalar = next, ("0"..."9").contains(scalar) {
      value = 10 * (value ?? 0) + Int(scalar.value - 0x30)
      guard value ?? 0 <= GrammarLimits.repetitions else {
        throw .tooLarge(what: "repetitions", limit: GrammarLimits.repetitions)
      }
      position += 1
    }
    return value
  }
}

extension RegexParser {
  private mutating func characterClass() throws(GrammarError) -> ScalarSet.Ranges {
    let start = position - 1
    let isNegated = take("^")
    var ranges: ScalarSet.Ranges = []
    while !take("]") {
      let low = try classMember(start)
      guard next == "-", position + 1 < scalars.count, scalars[position + 1] != 0x5d else {
        ranges += low
        continue
      }
      position += 1
      let high = try classMember(start)
      guard low.count == 1, high.count == 1, low[0].count == 1, high[0].count == 1 else {
        throw error("a range needs two characters")
      }
      guard low[0].lowerBound <= high[0].lowerBound else { throw error("a range is out of order") }
      ranges.append(low[0].lowerBound...high[0].lowerBound)
    }
    let union = ScalarSet.union(ranges)
    return isNegated ? ScalarSet.complement(union) : union
  }

  private mutating func classMember(_ start: Int) throws(GrammarError) -> ScalarSet.Ranges {
    guard let scalar = next else { throw error("a class does not end", at: start) }
    position += 1
    return scalar == "\\" ? try escape(inClass: true) : [scalar.value...scalar.value]
  }

  /// The characters that the escape after a backslash stands for.
  private mutating func escape(inClass: Bool) throws(GrammarError) -> ScalarSet.Ranges {
    let start = position - 1
    guard let scalar = next else { throw error("the backslash has nothing to escape", at: start) }
    position += 1
    if let ranges = RegexClasses.named[scalar] { return ranges }
    if let value = RegexClasses.controls[scalar] { return [value...value] }
    switch scalar {
    case "b" where inClass: return [8...8]
    case "x": return try hexadecimal(2)
    case "u": return try unicode()
    case "0" where next.map { !("0"..."9").contains($0) } ?? true: return [0...0]
    case "a"..."z", "A"..."Z", "0"..."9": throw error("'\\\(scalar)' is not supported", at: start)
    default: return [scalar.value...scalar.value]
    }
  }

  private mutating func unicode() throws(GrammarError) -> ScalarSet.Ranges {
    if take("{") {
      let start = position
      while let scalar = next, scalar != "}", position - start < 6 { position += 1 }
      let digits = String(String.UnicodeScalarView(scalars[start..<position].compactMap(Unicode.Scalar.init)))
      guard let value = UInt32(digits, radix: 16), value <= 0x10ffff, take("}") else {
        throw error("'\\u{' needs a code point and '}'", at: start)
      }
      return [value...value]
    }
    let first = try hexadecimal(4)
    guard first[0].lowerBound & 0xfc00 == 0xd800, position + 1 < scalars.count, scalars[position] == 0x5c,
      scalars[position + 1] == 0x75
    else { return first }
    position += 2
    let second = try hexadecimal(4)[0].lowerBound
    guard second & 0xfc00 == 0xdc00 else { throw error("half of a surrogate pair") }
    let value = 0x10000 + (first[0].lowerBound - 0xd800) << 10 + (second - 0xdc00)
    return [value...value]
  }

  private mutating func hexadecimal(_ count: Int) throws(GrammarError) -> ScalarSet.Ranges {
    var value: UInt32 = 0
    for _ in 0..<count {
      guard let digit = next.flatMap({ $0.isASCII ? Character($0).hexDigitValue : nil }) else {
        throw error("\(count) hexadecimal digits are needed")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return [value...value]
  }
}

/// Classes of characters as ECMA-262 defines them.
private enum RegexClasses {
  static let digit: ScalarSet.Ranges = [0x30...0x39]
  static let word: ScalarSet.Ranges = [0x30...0x39, 0x41...0x5a, 0x5f...0x5f, 0x61...0x7a]
  static let space: ScalarSet.Ranges = [
    0x09...0x0d, 0x20...0x20, 0xa0...0xa0, 0x1680...0x1680, 0x2000...0x200a, 0x2028...0x2029, 0x202f...0x202f,
    0x205f...0x205f, 0x3000...0x3000, 0xfeff...0xfeff,
  ]
  static let dot = ScalarSet.complement([0x0a...0x0a, 0x0d...0x0d, 0x2028...0x2029])
  static let named: [Unicode.Scalar: ScalarSet.Ranges] = [
    "d": digit, "D": ScalarSet.complement(digit), "w": word, "W": ScalarSet.complement(word), "s": space,
    "S": ScalarSet.complement(space),
  ]
  static let controls: [Unicode.Scalar: UInt32] = ["t": 9, "n": 10, "v": 11, "f": 12, "r": 13]
}

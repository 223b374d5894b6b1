/// The number of ways in which a pattern may fit at one place of a text: `choices` times the text's length to the power
/// `repeats`. An estimate that is never too low.
package struct PatternCost: Equatable {
  package private(set) var repeats: Int
  package private(set) var choices: Int

  private static let many = PatternCost(repeats: 1 << 20, choices: 1 << 20)
  /// Above this a counted repetition is taken for one without an end.
  private static let countLimit = 64

  /// - Parameter pattern: in PCRE2's syntax, without mistakes.
  package init(of pattern: String) {
    var reader = Reader(scalars: Array(pattern.unicodeScalars)[...])
    self = reader.alternatives()
    if !reader.scalars.isEmpty { self = .many }
  }

  private init(repeats: Int, choices: Int) {
    self.repeats = min(repeats, 1 << 20)
    self.choices = min(choices, 1 << 20)
  }

  private func followed(by next: PatternCost) -> PatternCost {
    PatternCost(repeats: repeats + next.repeats, choices: choices * next.choices)
  }

  private func repeated(_ range: ClosedRange<Int>) -> PatternCost {
    if range.upperBound > Self.countLimit {
      return self == PatternCost(repeats: 0, choices: 1) ? PatternCost(repeats: 1, choices: 1) : .many
    }
    let all = (0..<range.upperBound).reduce(PatternCost(repeats: 0, choices: 1)) { cost, _ in cost.followed(by: self) }
    return PatternCost(repeats: all.repeats, choices: all.choices * range.count)
  }

  private struct Reader {
    var scalars: ArraySlice<Unicode.Scalar>

    /// Up to the end of the group.
    mutating func alternatives() -> PatternCost {
      var whole = sequence()
      while take("|") {
        let next = sequence()
        whole = PatternCost(repeats: max(whole.repeats, next.repeats), choices: whole.choices + next.choices)
      }
      return whole
    }

    private mutating func sequence() -> PatternCost {
      var whole = PatternCost(repeats: 0, choices: 1)
      while let next = scalars.first, next != "|", next != ")" {
        let item = item()
        whole = whole.followed(by: quantifier().map(item.repeated) ?? item)
      }
      return whole
    }

    private mutating func item() -> PatternCost {
      let plain = PatternCost(repeats: 0, choices: 1)
      switch scalars.removeFirst() {
      case "\\": return escape() ? plain : .many
      case "[":
        skipClass()
        return plain
      case "(": return group()
      default: return plain
      }
    }

    /// - Returns: false for what may stand for any text.
    private mutating func escape() -> Bool {
      guard let letter = scalars.popFirst() else { return false }
      if scalars.first == "{", "pPxo".unicodeScalars.contains(letter) { skip(through: "}") }
      return !"123456789gkQERXKN".unicodeScalars.contains(letter)
    }

    private mutating func skip(through end: Unicode.Scalar) {
      while let next = scalars.popFirst(), next != end {}
    }

    private mutating func skipClass() {
      _ = take("^")
      _ = take("]")
      while let next = scalars.popFirst(), next != "]" {
        if next == "\\" { _ = scalars.popFirst() }
        if next == "[", scalars.first == ":" { skip(through: "]") }
      }
    }

    private mutating func group() -> PatternCost {
      if scalars.first == "*" { return .many }
      if take("?") {
        var isGroup = false
        while !isGroup {
          guard let mark = scalars.popFirst() else { return .many }
          switch mark {
          case ":", "=", "!", ">": isGroup = true
          case ")": return PatternCost(repeats: 0, choices: 1)
          case "<" where scalars.first != "=" && scalars.first != "!":
            skip(through: ">")
            isGroup = true
          case "P" where scalars.first == "<": break
          case "<", "i", "s", "n", "-", "^": break
          default: return .many
          }
        }
      }
      let cost = alternatives()
      return take(")") ? cost : .many
    }

    private mutating func quantifier() -> ClosedRange<Int>? {
      let range: ClosedRange<Int>
      switch scalars.first {
      case "*", "+": range = 0...Int.max - 1
      case "?": range = 0...1
      case "{":
        guard let counted = counts() else { return nil }
        range = counted
      default: return nil
      }
      skipQuantifier()
      return range
    }

    /// `{n}`, `{n,}`, `{,m}` and `{n,m}`; anything else in braces is text.
    private func counts() -> ClosedRange<Int>? {
      guard let end = scalars.firstIndex(of: "}") else { return nil }
      let parts = scalars[..<end].dropFirst().split(separator: ",", omittingEmptySubsequences: false).map {
        String(String.UnicodeScalarView($0)).trimmed
      }
      guard parts.count <= 2, parts.contains(where: { !$0.isEmpty }) else { return nil }
      let ends = parts.map { $0.isEmpty ? nil : Int($0) }
      guard zip(parts, ends).allSatisfy({ $0.isEmpty || $1 != nil }) else { return nil }
      let upper = ends.count == 1 ? ends[0] ?? 0 : ends[1] ?? Int.max - 1
      return min(ends[0] ?? 0, upper)...upper
    }

    private mutating func skipQuantifier() {
      if scalars.first == "{" { skip(through: "}") } else { scalars.removeFirst() }
      // Lazy or possessive.
      if !take("?") { _ = take("+") }
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
      guard scalars.first == scalar else { return false }
      scalars.removeFirst()
      return true
    }
  }
}

extension String {
  fileprivate var trimmed: String { filter { $0 != " " } }
}

/// Translates Oniguruma (Ruby syntax), which Hugging Face `tokenizers` uses, to PCRE2 with UTF and UCP.
///
/// Almost all of the syntax is common. The classes `\s`, `\w` and scripts mean slightly different sets, and a few
/// constructs mean something else altogether; those are refused rather than silently misread.
struct RegexDialect {
  private let pattern: [Unicode.Scalar]
  private let source: String
  private var index = 0
  private var inClass = false
  private var output = ""

  private init(_ source: String) {
    self.source = source
    pattern = Array(source.unicodeScalars)
  }

  /// - Throws: `TokenizerError.invalidPattern` for constructs PCRE2 reads differently.
  static func pcre2(from source: String) throws(TokenizerError) -> String {
    var translation = RegexDialect(source)
    try translation.run()
    return translation.output
  }

  private func refused(_ reason: String) -> TokenizerError { .invalidPattern(pattern: source, reason: reason) }

  private mutating func run() throws(TokenizerError) {
    while index < pattern.count {
      let scalar = pattern[index]
      index += 1
      switch scalar {
      case "\\": try escape()
      case "[": try openBracket()
      case "]" where inClass:
        inClass = false
        output += "]"
      case "&" where inClass && peek == "&": throw refused("class intersections (&&) are not supported")
      case "(" where !inClass: try openGroup()
      case "}" where !inClass && peek == "+" && closesQuantifier:
        throw refused("{n,m}+ repeats the quantified group in one dialect and is possessive in the other")
      default: output.unicodeScalars.append(scalar)
      }
    }
  }

  private var peek: Unicode.Scalar? { index < pattern.count ? pattern[index] : nil }

  private mutating func escape() throws(TokenizerError) {
    guard let scalar = peek else { throw refused("it ends in a backslash") }
    index += 1
    switch scalar {
    // White_Space. PCRE2's own \s has U+180E besides.
    case "s": set(#"\t-\r\x{85}\p{Z}"#)
    case "S": set(#"\S\x{180E}"#)
    case "w": set(#"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}"#)
    case "h": set("0-9A-Fa-f")
    case "W", "H", "X", "R", "K", "G", "C": throw refused("\\\(scalar) is not supported")
    case "p", "P": try property(scalar)
    default: output += "\\\(scalar)"
    }
  }

  private mutating func set(_ members: String) { output += inClass ? members : "[\(members)]" }

  /// General categories have one or two letters and mean the same; scripts are meant without script extensions.
  private mutating func property(_ letter: Unicode.Scalar) throws(TokenizerError) {
    guard peek == "{", let end = pattern[index...].firstIndex(of: "}") else {
      throw refused("\\\(letter) needs a name in braces")
    }
    var name = String(String.UnicodeScalarView(pattern[(index + 1)..<end]))
    index = end + 1
    let negation = name.hasPrefix("^") ? "^" : ""
    name.removeFirst(negation.count)
    let isScript = name.utf8.count > 2 && !["any", "alphabetic", "whitespace"].contains(name.lowercased())
    output += "\\\(letter){\(negation)\(isScript ? "sc:" : "")\(name)}"
  }

  private mutating func openBracket() throws(TokenizerError) {
    if inClass {
      guard peek == ":" else { throw refused("a class within a class is not supported") }
      guard let end = pattern[index...].firstIndex(of: "]") else { throw refused("a class is not closed") }
      output += "[" + String(String.UnicodeScalarView(pattern[index...end]))
      index = end + 1
      return
    }
    inClass = true
    output += "["
    if peek == "^" {
      output += "^"
      index += 1
    }
    if peek == "]" { throw refused("an empty class is not supported") }
  }

  /// `(?m)` is "dot matches all" in Ruby and "line anchors" in PCRE2.
  private func openGroupFlagsAreSafe() -> Bool {
    guard peek == "?" else { return true }
    let flags = pattern[(index + 1)...].prefix { $0.properties.isAlphabetic || $0 == "-" }
    return !flags.contains("m") || pattern[index + 1] == "P"
  }

  private mutating func openGroup() throws(TokenizerError) {
    guard openGroupFlagsAreSafe() else { throw refused("the flag m is not supported") }
    output += "("
  }

  /// Whether the `}` just read closes `{n}`, `{n,}`, `{,m}` or `{n,m}` rather than a property's name.
  private var closesQuantifier: Bool {
    guard let start = pattern[..<(index - 1)].lastIndex(of: "{") else { return false }
    return pattern[(start + 1)..<(index - 1)].allSatisfy { $0 == "," || ("0"..."9").contains($0) }
  }
}

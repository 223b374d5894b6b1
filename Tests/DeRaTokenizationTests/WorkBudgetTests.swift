import DeRaTokenization
import Testing

/// Patterns of files end in time, whatever they are.
@Suite struct WorkBudgetTests {
  /// Patterns of models' tokenizers, and others whose cost can be counted by hand.
  @Test(arguments: [
    (TextStep.gpt2Pattern, 1, 2...30),
    (
      #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#,
      2, 2...40
    ),
    (
      #"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"#, 2,
      2...40
    ),
    ("abc", 0, 1...1), ("a|b|c", 0, 3...3), (#"\p{L}+(a|b)?"#, 1, 3...6), (#"a{2,4}"#, 0, 3...3), ("a{,3}", 0, 4...4),
    ("a{5,}b{900}", 2, 1...1), ("a*b*c*", 3, 1...1), ("(?=.*.*.*z)y|.", 3, 2...2), ("[]*+]x|[^]*]y", 0, 2...2),
    ("[[:alpha:]*]", 0, 1...1), (#"\*\+\["#, 0, 1...1), ("{x}", 0, 1...1), ("(?<name>a+)(?<=b)(?<!c)(?>d+)", 2, 1...1),
    ("(?i)a(?s-i:b)", 0, 1...1), ("x{64}", 0, 1...1),
  ])
  func waysToFitAreCounted(_ pattern: String, _ repeats: Int, _ choices: ClosedRange<Int>) {
    let cost = PatternCost(of: pattern)
    #expect(cost.repeats == repeats && choices.contains(cost.choices), "\(pattern): \(cost)")
  }

  /// Repetitions of repetitions, and texts that come again.
  @Test(arguments: [
    "(a+)+b", "(a|a)*b", "(a+){30}", #"(a)\1"#, "(?R)", "(a)(?1)", #"(?P<n>a)(?P=n)"#, "(?(1)a|b)", "(*ACCEPT)",
  ])
  func unboundedWaysAreMany(_ pattern: String) {
    #expect(PatternCost(of: pattern).repeats > 2, "\(pattern)")
  }

  /// Both ways of matching end: patterns of which one look at a place takes the text's length to the power of 2, 3 or more.
  @Test(arguments: ["(?=.*.*z)y|x", "(?=.*.*.*z)y|x", "(?=.*.*.*.*.*z)y|x", "(?=(y+)+z)y|x", "(?=(y|y)*z)y|x"])
  func patternsThatLookFarAreRefusedInTime(_ pattern: String) throws {
    let expression = try RegularExpression(pattern)
    #expect(throws: TokenizerError.self) { _ = try expression.isFound(in: String(repeating: "y", count: 1 << 16)) }
  }

  /// A match that is longer than what is looked at first is found whole.
  @Test(arguments: [10, 1000, 1024, 1300, 5000, 100_000])
  func longMatchesAreWhole(_ length: Int) throws {
    var definition = TokenizerDefinition(
      kind: .byteLevelBPE, pieces: (0..<256).map { .init(id: $0, bytes: [UInt8($0)]) },
      merges: .ranked([]))
    definition.preTokenizer = [.split(.regex(#"é+(?!b)|\s+$"#), .removed, inverted: false)]
    let tokenizer = try Tokenizer(image: definition.compiled())
    let text = String(repeating: "é", count: length)
    #expect(try tokenizer.encode("a" + text + "c", addSpecial: false) == [97, 99])
    // The last é is followed by what it must not be, so the match gives it back.
    #expect(try tokenizer.encode("a" + text + "b", addSpecial: false) == [97, 0xC3, 0xA9, 98])
    #expect(try tokenizer.encode("a" + String(repeating: " ", count: length), addSpecial: false) == [97])
  }
}

import DeRaChatTemplate
import Testing

/// SplitMix64: the same sequence everywhere.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) {
    state = seed
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

/// Whatever the template, rendering ends in a text within the limits or in an error on a line of the template.
@Suite struct FuzzTests {
  private let limits: TemplateLimits = {
    var limits = TemplateLimits()
    limits.steps = 20_000
    limits.output = 20_000
    limits.allocation = 200_000
    return limits
  }()

  private let messages = [
    TemplateMessage(role: "system", content: "Be brief."), TemplateMessage(role: "user", content: "Hello"),
    TemplateMessage(role: "assistant", content: "<think>\n</think>\n\nHi"),
    TemplateMessage(role: "user", content: ["type"]),
  ]

  private func render(_ source: String) -> Result<String, TemplateError> {
    Result { () throws(TemplateError) in
      try ChatTemplate(source: source, limits: limits).rendered(
        messages: messages, addGenerationPrompt: true, variables: ["eos_token": "</s>", "tools": [["function": [:]]]],
        now: Fixtures.now, limits: limits)
    }
  }

  private func check(_ source: String, _ origin: String) {
    switch render(source) {
    case .success(let text): #expect(text.unicodeScalars.count <= limits.output, "\(origin)")
    case .failure(let error):
      let lines = source.unicodeScalars.count { $0 == "\n" || $0 == "\r" } + 1
      #expect((1...lines).contains(error.line) && !error.message.isEmpty, "\(origin): \(error)")
    }
  }

  @Test(arguments: Fixtures.familyNames)
  func truncatedTemplates(_ family: String) throws {
    let source = Array(try Fixtures.source(family).unicodeScalars)
    for length in source.indices {
      check(String(String.UnicodeScalarView(source[..<length])), "\(family) cut to \(length) characters")
    }
  }

  @Test(arguments: Fixtures.familyNames)
  func mutatedTemplates(_ family: String) throws {
    let source = Array(try Fixtures.source(family))
    for seed in 0..<300 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      var mutated = source
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let start = Int.random(in: mutated.indices, using: &random)
        let end = min(mutated.count, start + Int.random(in: 0...12, using: &random))
        let from = Int.random(in: source.indices, using: &random)
        let piece = source[from..<min(source.count, from + Int.random(in: 0...12, using: &random))]
        mutated.replaceSubrange(start..<end, with: piece)
        if mutated.isEmpty { mutated = source }
      }
      check(String(mutated), "\(family) mutated with seed \(seed)")
    }
  }

  @Test func randomTemplates() {
    let pieces = [
      "{{", "}}", "{%", "%}", "{#", "#}", "{%-", "-%}", "{{-", "-}}", "{%+", "+%}", "\n", "  ", " ", "text", "'a'",
      "\"b\\n", "1", "2.5e3", "0x", "-", "+", "*", "**", "/", "//", "%", "~", "==", "<", "(", ")", "[", "]", "{", "}",
      ":", ",", ".", "|", "=", "if", "else", "elif", "endif", "for", "in", "endfor", "set", "endset", "macro",
      "endmacro", "call", "endcall", "filter", "endfilter", "with", "endwith", "raw", "endraw", "generation",
      "endgeneration", "break", "continue", "not", "and", "or", "is", "defined", "none", "true", "messages", "x", "m",
      "loop", "namespace", "range", "caller", "upper", "map", "tojson", "replace", "split", "role", "content", "é",
      "\\",
    ]
    for seed in 0..<20_000 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let words = (0..<Int.random(in: 1...40, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
      let isTag = Bool.random(using: &random)
      let source = words.joined(separator: Bool.random(using: &random) ? " " : "")
      check(isTag ? "{{ \(source) }}" : source, "random template with seed \(seed)")
    }
  }

  /// Well-formed expressions of random shape, so that the evaluator and not only the parser is reached.
  @Test func randomExpressions() {
    for seed in 0..<20_000 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let expression = Self.expression(depth: 4, &random)
      check("{{ \(expression) }}", "random expression with seed \(seed)")
    }
  }

  private static let leaves = [
    "1", "0", "-3", "2.5", "1e308", "9223372036854775807", "'a,b'", "''", "'é\\n'", "true", "none", "missing",
    "messages",
    "[]", "{}", "tools", "range(3)", "'%s'", "loop", "namespace(a=1)", "range",
  ]
  private static let binary = [
    "+", "-", "*", "/", "//", "%", "**", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or",
  ]
  private static let suffixes = [
    "|upper", "|trim", "|length", "|join(',')", "|list", "|first", "|last", "|tojson", "|tojson(indent=1)", "|string",
    "|int", "|float", "|abs", "|round(1)", "|sort", "|unique", "|reverse", "|sum", "|min", "|max", "|items",
    "|dictsort", "|default(1)", "|map('upper')", "|map(attribute='role')", "|select('odd')", "|rejectattr('role')",
    "|replace('a', 'b')", "|indent", "|batch(2)", "|title", "|format(1)", "|wordcount", "|e", "|attr('x')", "[0]",
    "[-1]", "[1:]", "[::-1]", "[:2:2]", ".role", "['content']", ".split(',')", ".split()", ".strip()", ".items()",
    ".keys()", ".get('role')", ".find('a')", ".title()", ".format(1)", ".splitlines()", ".partition('a')", "()",
    ".append(1)", ".upper", " is odd", " is defined", " is string", " is mapping", " is divisibleby 2", " is in 'a'",
  ]

  private static func expression(depth: Int, _ random: inout SeededGenerator) -> String {
    func pick(_ list: [String]) -> String { list.randomElement(using: &random) ?? "1" }
    func inner() -> String { expression(depth: depth - 1, &random) }
    if depth == 0 { return pick(leaves) }
    switch Int.random(in: 0..<10, using: &random) {
    case 0: return pick(leaves)
    case 1...3: return "(\(inner()) \(pick(binary)) \(inner()))"
    case 4...7: return "(\(inner()))" + pick(suffixes)
    case 8: return "[\(inner()), \(inner())]"
    default: return "{\(inner()): \(inner())}"
    }
  }
}

/// Builds the tree of a template's statements. Expressions are in `Parser+Expressions.swift`.
struct Parser {
  /// Parameters of a macro and named arguments of a call; matching them is quadratic.
  static let mostParameters = 64

  private let tokens: [Token]
  private let limits: TemplateLimits
  private var position = 0
  private var nesting = 0
  /// `break` and `continue` have a loop to act on.
  private var isInLoop = false
  /// Names read so far of those that tell which further arguments a macro takes.
  var furtherNames: Set<String> = []

  static func statements(of source: String, limits: TemplateLimits) throws(TemplateError) -> [Statement] {
    let text = Text(source)
    guard text.count <= limits.source else {
      throw TemplateError(
        kind: .limit(.source), line: 0,
        message: "the template has \(text.count) characters, more than \(limits.source) (limit 'source')")
    }
    var parser = Parser(tokens: try Lexer.tokens(of: text), limits: limits)
    return try parser.parseBody(until: [], of: nil)
  }

  private init(tokens: [Token], limits: TemplateLimits) {
    self.tokens = tokens
    self.limits = limits
  }

  // MARK: Tokens

  /// The last token is `.end`, which is never passed.
  var current: Token.Kind { tokens[position].kind }
  var next: Token.Kind { tokens[min(position + 1, tokens.count - 1)].kind }
  var line: Int { tokens[position].line }

  mutating func advance() {
    if position < tokens.count - 1 { position += 1 }
  }

  mutating func skip(_ kind: Token.Kind) -> Bool {
    guard current == kind else { return false }
    advance()
    return true
  }

  mutating func skipSymbol(_ symbol: String) -> Bool { skip(.symbol(symbol)) }
  mutating func skipWord(_ word: String) -> Bool { skip(.name(word)) }

  mutating func expect(_ kind: Token.Kind) throws(TemplateError) {
    guard skip(kind) else { throw error("expected \(kind), found \(current)") }
  }

  mutating func expectName() throws(TemplateError) -> String {
    guard case .name(let name) = current else { throw error("expected a name, found \(current)") }
    advance()
    return name
  }

  func error(_ message: String, _ kind: TemplateError.Kind = .syntax) -> TemplateError {
    TemplateError(kind: kind, line: line, message: message)
  }

  /// Runs `parse` one level deeper.
  mutating func nested<Result>(
    _ parse: (inout Parser) throws(TemplateError) -> Result
  ) throws(TemplateError) -> Result {
    guard nesting < limits.nesting else {
      let message = "more than \(limits.nesting) brackets and blocks inside one another (limit 'nesting')"
      throw error(message, .limit(.nesting))
    }
    nesting += 1
    let result = try parse(&self)
    nesting -= 1
    return result
  }

  // MARK: Bodies

  /// Statements up to a tag named in `ends`, whose name is the current token afterwards.
  private mutating func parseBody(until ends: Set<String>, of tag: String?) throws(TemplateError) -> [Statement] {
    var body: [Statement] = []
    while true {
      let line = self.line
      switch current {
      case .data(let text):
        advance()
        body.append(Statement(line: line, kind: .text(text)))
      case .outputBegin:
        advance()
        let value = try parseTuple()
        try expect(.outputEnd)
        body.append(Statement(line: line, kind: .output(value)))
      case .blockBegin:
        advance()
        if case .name(let name) = current, ends.contains(name) { return body }
        let kind = try nested { parser throws(TemplateError) in try parser.parseStatement() }
        body.append(Statement(line: line, kind: kind))
        try expect(.blockEnd)
      default:
        guard let tag else { return body }
        throw error("'\(tag)' has no end: expected \(ends.sorted().joined(separator: " or ")), found \(current)")
      }
    }
  }

  /// The body of a tag, with the end of the opening tag before it.
  private mutating func parseBlock(_ tag: String, until ends: Set<String>) throws(TemplateError) -> [Statement] {
    _ = skipSymbol(":")
    try expect(.blockEnd)
    return try parseBody(until: ends, of: tag)
  }

  /// The body of a tag that ends with `end…` and may not be left by `break`.
  private mutating func parseWholeBlock(_ tag: String) throws(TemplateError) -> [Statement] {
    let body = try parseBlock(tag, until: ["end\(tag)"])
    advance()
    return body
  }

  private mutating func parseFunctionBody(_ tag: String) throws(TemplateError) -> [Statement] {
    let outer = isInLoop
    isInLoop = false
    let body = try parseWholeBlock(tag)
    isInLoop = outer
    return body
  }

  // MARK: Statements

  private mutating func parseStatement() throws(TemplateError) -> Statement.Kind {
    guard case .name(let tag) = current else { throw error("expected the name of a tag, found \(current)") }
    advance()
    switch tag {
    case "if": return try parseIf()
    case "for": return try parseFor()
    case "set": return try parseSet()
    case "with": return try parseWith()
    case "macro":
      let name = try expectName()
      return .macro(try parseMacro(name, try parseParameters(), tag))
    case "call": return try parseCallBlock()
    case "filter":
      let filters = try parseFilters(startsInline: true)
      return .filtered(filters, body: try parseWholeBlock(tag))
    case "generation": return .scope(try parseFunctionBody(tag))
    case "block": return try parseNamedBlock(tag)
    case "autoescape":
      guard case .literal(.bool(false)) = try parseExpression().kind else {
        throw error("only 'autoescape false' is supported in chat templates", .unsupported)
      }
      return .scope(try parseWholeBlock(tag))
    case "print": return try parsePrint()
    case "break", "continue":
      guard isInLoop else { throw error("'\(tag)' stands outside of a loop") }
      return tag == "break" ? .leaveLoop : .nextIteration
    case "include", "import", "from", "extends", "do", "trans":
      throw error("the tag '\(tag)' is not supported in chat templates", .unsupported)
    default: throw error("unknown tag '\(tag)'")
    }
  }

  /// A block of template inheritance, which is a scope where nothing inherits.
  private mutating func parseNamedBlock(_ tag: String) throws(TemplateError) -> Statement.Kind {
    _ = try expectName()
    _ = skipWord("scoped")
    _ = skipWord("required")
    let body = try parseBlock(tag, until: ["endblock"])
    advance()
    if case .name = current { advance() }
    return .scope(body)
  }

  private mutating func parsePrint() throws(TemplateError) -> Statement.Kind {
    var values: [Expression] = []
    while current != .blockEnd {
      if !values.isEmpty { try expect(.symbol(",")) }
      values.append(try parseExpression())
    }
    return .outputs(values)
  }

  private mutating func parseIf() throws(TemplateError) -> Statement.Kind {
    var branches: [(condition: Expression, body: [Statement])] = []
    repeat {
      let condition = try parseTuple(allowsConditional: false)
      branches.append((condition, try parseBlock("if", until: ["elif", "else", "endif"])))
    } while skipWord("elif")
    var otherwise: [Statement] = []
    if skipWord("else") { otherwise = try parseBlock("if", until: ["endif"]) }
    advance()
    return .conditional(branches, otherwise: otherwise)
  }

  private mutating func parseFor() throws(TemplateError) -> Statement.Kind {
    let target = try parseTarget(until: .name("in"))
    try expect(.name("in"))
    let elements = try parseTuple(allowsConditional: false, end: .name("recursive"))
    let condition = skipWord("if") ? try parseExpression() : nil
    let isRecursive = skipWord("recursive")
    let outer = isInLoop
    isInLoop = true
    let body = try parseBlock("for", until: ["else", "endfor"])
    isInLoop = outer
    var otherwise: [Statement] = []
    if skipWord("else") { otherwise = try parseBlock("for", until: ["endfor"]) }
    advance()
    return .loop(
      Loop(
        target: target, elements: elements, condition: condition, body: body, otherwise: otherwise,
        isRecursive: isRecursive))
  }

  private mutating func parseSet() throws(TemplateError) -> Statement.Kind {
    let target = try parseTarget(allowsNamespace: true)
    if skipSymbol("=") { return .set(target, try parseTuple()) }
    let filters = try parseFilters(startsInline: false)
    return .setBlock(target, filters: filters, body: try parseWholeBlock("set"))
  }

  private mutating func parseWith() throws(TemplateError) -> Statement.Kind {
    var values: [(name: String, value: Expression)] = []
    while current != .blockEnd {
      if !values.isEmpty { try expect(.symbol(",")) }
      let name = try expectName()
      try expect(.symbol("="))
      values.append((name, try parseExpression()))
    }
    return .with(values, body: try parseWholeBlock("with"))
  }

  private mutating func parseCallBlock() throws(TemplateError) -> Statement.Kind {
    let parameters = current == .symbol("(") ? try parseParameters() : []
    let call = try parseExpression()
    guard case .postfix(let base, let chain) = call.kind, case .call(let arguments)? = chain.last?.kind else {
      throw error("'call' needs a call of a macro")
    }
    let callee = Expression(line: call.line, kind: .postfix(base, chain.dropLast()))
    return .call(callee, arguments, caller: try parseMacro("caller", parameters, "call"))
  }

  private mutating func parseMacro(
    _ name: String, _ parameters: [(name: String, defaultValue: Expression?)], _ tag: String
  ) throws(TemplateError) -> Macro {
    let outer = furtherNames
    furtherNames = []
    let body = try parseFunctionBody(tag)
    let macro = Macro(
      name: name, parameters: parameters, body: body, takesFurther: furtherNames.contains("varargs"),
      takesFurtherKeywords: furtherNames.contains("kwargs"))
    furtherNames.formUnion(outer)
    return macro
  }

  private mutating func parseParameters() throws(TemplateError) -> [(name: String, defaultValue: Expression?)] {
    var parameters: [(name: String, defaultValue: Expression?)] = []
    try expect(.symbol("("))
    while current != .symbol(")") {
      if !parameters.isEmpty { try expect(.symbol(",")) }
      guard parameters.count < Self.mostParameters else { throw error("more than \(Self.mostParameters) parameters") }
      let name = try expectName()
      let defaultValue = skipSymbol("=") ? try parseExpression() : nil
      if defaultValue == nil, parameters.last?.defaultValue != nil {
        throw error("parameter '\(name)' has no default value but follows one that has")
      }
      parameters.append((name, defaultValue))
    }
    advance()
    return parameters
  }

  // MARK: Targets

  private mutating func parseTarget(
    until end: Token.Kind = .symbol("="), allowsNamespace: Bool = false
  ) throws(TemplateError) -> Target {
    var targets = [try parseSingleTarget(allowsNamespace)]
    var isTuple = false
    while skipSymbol(",") {
      isTuple = true
      if current == end || current == .symbol(")") || current == .blockEnd { break }
      targets.append(try parseSingleTarget(allowsNamespace))
    }
    return isTuple ? .tuple(targets) : targets[0]
  }

  private mutating func parseSingleTarget(_ allowsNamespace: Bool) throws(TemplateError) -> Target {
    if skipSymbol("(") {
      let target = try nested { parser throws(TemplateError) in
        try parser.parseTarget(until: .symbol(")"), allowsNamespace: allowsNamespace)
      }
      try expect(.symbol(")"))
      return target
    }
    let name = try expectName()
    if ["true", "True", "false", "False", "none", "None"].contains(name) {
      throw error("'\(name)' cannot be assigned")
    }
    if allowsNamespace, skipSymbol(".") { return .attribute(namespace: name, name: try expectName()) }
    return .name(name)
  }
}

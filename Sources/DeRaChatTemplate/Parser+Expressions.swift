// Expressions, from the loosest binding to the tightest.
extension Parser {
  /// One expression, or several with commas: a tuple. `end` is a token that may follow a trailing comma.
  mutating func parseTuple(
    allowsConditional: Bool = true, end: Token.Kind? = nil, isBracketed: Bool = false
  ) throws(TemplateError) -> Expression {
    let line = self.line
    var items: [Expression] = []
    var isTuple = isBracketed && current == .symbol(")")
    while !isAtTupleEnd(end) {
      items.append(allowsConditional ? try parseExpression() : try parseWithoutConditional())
      guard skipSymbol(",") else { break }
      isTuple = true
    }
    if isTuple { return Expression(line: line, kind: .tuple(items)) }
    guard let item = items.first else { throw error("expected an expression, found \(current)") }
    return item
  }

  private func isAtTupleEnd(_ end: Token.Kind?) -> Bool {
    current == .outputEnd || current == .blockEnd || current == .symbol(")") || current == end
  }

  /// `a if b else c` and everything tighter.
  mutating func parseExpression() throws(TemplateError) -> Expression {
    let line = self.line
    return try nested { parser throws(TemplateError) in
      var value = try parser.parseOr()
      var conditions = 0
      while parser.skipWord("if") {
        // Each turn puts the tree so far one level deeper.
        conditions += 1
        if conditions > 8 { throw parser.error("more than 8 conditions follow one expression") }
        let condition = try parser.parseOr()
        let otherwise = parser.skipWord("else") ? try parser.parseExpression() : nil
        let kind = Expression.Kind.conditional(condition: condition, then: value, otherwise: otherwise)
        value = Expression(line: line, kind: kind)
      }
      return value
    }
  }

  private mutating func parseWithoutConditional() throws(TemplateError) -> Expression {
    try nested { parser throws(TemplateError) in try parser.parseOr() }
  }

  private mutating func parseOr() throws(TemplateError) -> Expression {
    let line = self.line
    var operands = [try parseAnd()]
    while skipWord("or") { operands.append(try parseAnd()) }
    return operands.count == 1 ? operands[0] : Expression(line: line, kind: .or(operands))
  }

  private mutating func parseAnd() throws(TemplateError) -> Expression {
    let line = self.line
    var operands = [try parseNot()]
    while skipWord("and") { operands.append(try parseNot()) }
    return operands.count == 1 ? operands[0] : Expression(line: line, kind: .and(operands))
  }

  private mutating func parseNot() throws(TemplateError) -> Expression {
    let line = self.line
    guard skipWord("not") else { return try parseComparison() }
    let operand = try nested { parser throws(TemplateError) in try parser.parseNot() }
    return Expression(line: line, kind: .not(operand))
  }

  private mutating func parseComparison() throws(TemplateError) -> Expression {
    let line = self.line
    let first = try parseArithmetic(0)
    var rest: [(ComparisonOperator, Expression)] = []
    while let comparison = skipComparison() { rest.append((comparison, try parseArithmetic(0))) }
    return rest.isEmpty ? first : Expression(line: line, kind: .comparison(first, rest))
  }

  private mutating func skipComparison() -> ComparisonOperator? {
    if case .symbol(let symbol) = current, let comparison = ComparisonOperator(rawValue: symbol) {
      advance()
      return comparison
    }
    if skipWord("in") { return .isIn }
    guard current == .name("not"), next == .name("in") else { return nil }
    advance()
    advance()
    return .notIn
  }

  private mutating func parseArithmetic(_ level: Int) throws(TemplateError) -> Expression {
    guard level < BinaryOperator.precedence.count else { return try parseUnary() }
    let line = self.line
    let first = try parseArithmetic(level + 1)
    var rest: [(BinaryOperator, Expression)] = []
    while case .symbol(let symbol) = current, let binary = BinaryOperator(rawValue: symbol),
      BinaryOperator.precedence[level].contains(binary)
    {
      advance()
      rest.append((binary, try parseArithmetic(level + 1)))
    }
    return rest.isEmpty ? first : Expression(line: line, kind: .arithmetic(first, rest))
  }

  /// A sign binds tighter than a filter and than `**`, so `-x|abs` is `(-x)|abs`.
  private mutating func parseUnary(allowsFilters: Bool = true) throws(TemplateError) -> Expression {
    let line = self.line
    var value: Expression
    if current == .symbol("-") || current == .symbol("+") {
      let isNegated = current == .symbol("-")
      advance()
      let operand = try nested { parser throws(TemplateError) in try parser.parseUnary(allowsFilters: false) }
      value = Expression(line: line, kind: isNegated ? .negated(operand) : .positive(operand))
    } else {
      value = try parsePrimary()
    }
    let chain = try parseChain(allowsFilters: allowsFilters)
    if !chain.isEmpty { value = Expression(line: line, kind: .postfix(value, chain)) }
    return value
  }

  // MARK: Primary expressions

  private mutating func parsePrimary() throws(TemplateError) -> Expression {
    let line = self.line
    let kind: Expression.Kind
    switch current {
    case .name(let name):
      advance()
      if name == "varargs" || name == "kwargs" { furtherNames.insert(name) }
      kind = Self.constants[name].map { .literal($0) } ?? .name(name)
    case .string(var text):
      advance()
      while case .string(let more) = current {
        text += more
        advance()
      }
      kind = .literal(.string(text))
    case .integer(let value):
      advance()
      kind = .literal(.int(value))
    case .float(let value):
      advance()
      kind = .literal(.double(value))
    case .symbol("("):
      advance()
      let value = try parseTuple(isBracketed: true)
      try expect(.symbol(")"))
      return value
    case .symbol("["): kind = .list(try parseList())
    case .symbol("{"): kind = .mapping(try parseMapping())
    default: throw error("expected an expression, found \(current)")
    }
    return Expression(line: line, kind: kind)
  }

  private static let constants: [String: Literal] = [
    "true": .bool(true), "True": .bool(true), "false": .bool(false), "False": .bool(false), "none": .none,
    "None": .none,
  ]

  private mutating func parseList() throws(TemplateError) -> [Expression] {
    advance()
    var items: [Expression] = []
    while current != .symbol("]") {
      items.append(try parseExpression())
      guard skipSymbol(",") else { break }
    }
    try expect(.symbol("]"))
    return items
  }

  private mutating func parseMapping() throws(TemplateError) -> [(key: Expression, value: Expression)] {
    advance()
    var pairs: [(key: Expression, value: Expression)] = []
    while current != .symbol("}") {
      let key = try parseExpression()
      try expect(.symbol(":"))
      pairs.append((key, try parseExpression()))
      guard skipSymbol(",") else { break }
    }
    try expect(.symbol("}"))
    return pairs
  }

  // MARK: What follows a value

  /// Attributes, subscripts and calls; then filters, tests and calls.
  private mutating func parseChain(allowsFilters: Bool) throws(TemplateError) -> [Postfix] {
    var chain: [Postfix] = []
    var isFiltered = false
    while true {
      let line = self.line
      let kind: Postfix.Kind
      if current == .symbol("(") {
        kind = .call(try parseArguments())
      } else if !isFiltered, skipSymbol(".") {
        kind = try parseAttribute()
      } else if !isFiltered, skipSymbol("[") {
        kind = try parseSubscript()
      } else if allowsFilters, skipSymbol("|") {
        isFiltered = true
        kind = try parseFilter()
      } else if allowsFilters, skipWord("is") {
        isFiltered = true
        kind = try parseTest()
      } else {
        return chain
      }
      chain.append(Postfix(line: line, kind: kind))
    }
  }

  private mutating func parseAttribute() throws(TemplateError) -> Postfix.Kind {
    let line = self.line
    guard case .integer(let index) = current else { return .attribute(try expectName()) }
    advance()
    return .subscription(Expression(line: line, kind: .literal(.int(index))))
  }

  /// One index, or up to three bounds of a slice with colons between them.
  private mutating func parseSubscript() throws(TemplateError) -> Postfix.Kind {
    var bounds: [Expression?] = [current == .symbol(":") ? nil : try parseExpression()]
    while bounds.count < 3, skipSymbol(":") {
      let isOmitted = current == .symbol(":") || current == .symbol("]")
      bounds.append(isOmitted ? nil : try parseExpression())
    }
    try expect(.symbol("]"))
    if bounds.count == 1, let index = bounds[0] { return .subscription(index) }
    return .slice(start: bounds[0], end: bounds[1], step: bounds.count > 2 ? bounds[2] : nil)
  }

  private mutating func parseArguments() throws(TemplateError) -> CallArguments {
    try expect(.symbol("("))
    var arguments = CallArguments()
    while current != .symbol(")") {
      if try parseSpread(into: &arguments) {
        // Nothing more to read of this argument.
      } else if case .name(let name) = current, next == .symbol("=") {
        if arguments.keywordSpread != nil { throw error("an argument follows '**'") }
        advance()
        advance()
        guard arguments.keywords.count < Self.mostParameters else {
          throw error("more than \(Self.mostParameters) arguments with names")
        }
        arguments.keywords.append((name, try parseExpression()))
      } else {
        if !arguments.keywords.isEmpty || arguments.spread != nil || arguments.keywordSpread != nil {
          throw error("an argument without a name follows one with a name, or a spread one")
        }
        arguments.positional.append(try parseExpression())
      }
      guard skipSymbol(",") else { break }
    }
    try expect(.symbol(")"))
    return arguments
  }

  /// `*values` or `**mapping`, each at most once.
  private mutating func parseSpread(into arguments: inout CallArguments) throws(TemplateError) -> Bool {
    if arguments.spread == nil, arguments.keywordSpread == nil, skipSymbol("*") {
      arguments.spread = try parseExpression()
    } else if arguments.keywordSpread == nil, skipSymbol("**") {
      arguments.keywordSpread = try parseExpression()
    } else {
      return false
    }
    return true
  }

  private mutating func parseFilter() throws(TemplateError) -> Postfix.Kind {
    let name = try expectName()
    return .filter(name, current == .symbol("(") ? try parseArguments() : CallArguments())
  }

  /// Filters alone, as `set` and `filter` blocks have them.
  mutating func parseFilters(startsInline: Bool) throws(TemplateError) -> [Postfix] {
    var filters: [Postfix] = []
    while (startsInline && filters.isEmpty) || skipSymbol("|") {
      filters.append(Postfix(line: line, kind: try parseFilter()))
    }
    return filters
  }

  /// A test's single argument may stand without brackets: `x is divisibleby 3`.
  private mutating func parseTest() throws(TemplateError) -> Postfix.Kind {
    let isNegated = skipWord("not")
    let name = try expectName()
    var arguments = CallArguments()
    switch current {
    case .symbol("("): arguments = try parseArguments()
    case .name("else"), .name("or"), .name("and"): break
    case .name("is"): throw error("tests cannot be chained with 'is'")
    case .name, .string, .integer, .float, .symbol("["), .symbol("{"):
      let line = self.line
      let value = try parsePrimary()
      let chain = try parseChain(allowsFilters: false)
      arguments.positional = [chain.isEmpty ? value : Expression(line: line, kind: .postfix(value, chain))]
    default: break
    }
    return .test(name, arguments, negated: isNegated)
  }
}

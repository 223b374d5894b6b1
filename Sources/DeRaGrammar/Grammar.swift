import DeRaJSON

/// A description of the texts that an answer may be.
package indirect enum GrammarSource: Sendable, Equatable {
  /// Any JSON value.
  case jsonValue
  /// Any JSON object.
  case jsonObject
  /// A value that a JSON Schema (draft 2020-12) allows.
  case jsonSchema(JSON)
  /// A text that matches a regular expression from beginning to end.
  case regex(String)
  /// One of some texts.
  case literals([String])
  /// One after the other.
  case sequence([GrammarSource])
  case choice([GrammarSource])
}

/// A compiled grammar; immutable, so that any number of answers share it.
package final class Grammar: Sendable {
  let automaton: Automaton

  /// - Parameter closesObjects: an object whose schema lists properties has no others, unless the schema speaks of them.
  ///   The standard allows any; a model that may add some seldom comes to an end.
  /// - Throws: `GrammarError`: what the source asks for is malformed, not supported, too large or impossible.
  package init(_ source: GrammarSource, closesObjects: Bool = false) throws(GrammarError) {
    var rules: [Rule] = []
    let node = try Self.node(source, &rules, depth: 0, closesObjects)
    rules.append(Rule(node: node, isContainer: false))
    automaton = try AutomatonBuilder.build(rules, root: rules.count - 1)
  }

  private static func node(
    _ source: GrammarSource, _ rules: inout [Rule], depth: Int, _ closesObjects: Bool
  ) throws(GrammarError) -> Node {
    guard depth <= GrammarLimits.groups else { throw .tooLarge(what: "nested groups", limit: GrammarLimits.groups) }
    func nodes(_ sources: [GrammarSource], _ rules: inout [Rule]) throws(GrammarError) -> [Node] {
      var nodes: [Node] = []
      for source in sources { nodes.append(try node(source, &rules, depth: depth + 1, closesObjects)) }
      return nodes
    }
    switch source {
    case .jsonValue: return .rule(try SchemaCompiler.compile(.bool(true), into: &rules))
    case .jsonObject:
      var schema = JSONObject()
      schema.append("type", "object")
      return .rule(try SchemaCompiler.compile(.object(schema), into: &rules))
    case .jsonSchema(let schema):
      return .rule(try SchemaCompiler.compile(schema, into: &rules, closesObjects: closesObjects))
    case .regex(let pattern): return try RegexParser.wholeMatch(pattern)
    case .literals(let texts): return .literals(texts.map { Array($0.utf8) })
    case .sequence(let sources): return .sequence(try nodes(sources, &rules))
    case .choice(let sources): return .choice(try nodes(sources, &rules))
    }
  }
}

extension Grammar: Equatable {
  package static func == (left: Grammar, right: Grammar) -> Bool { left === right }
}

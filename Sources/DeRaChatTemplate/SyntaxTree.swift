// A parsed template. Chains (operators, attributes, filters) are flat lists, so the tree is only as deep as the
// source's brackets and blocks are nested, which the parser bounds.

struct Expression: Sendable {
  let line: Int
  let kind: Kind

  indirect enum Kind: Sendable {
    case literal(Literal)
    case name(String)
    case list([Expression])
    case tuple([Expression])
    case mapping([(key: Expression, value: Expression)])
    /// Operators of one precedence, from left to right.
    case arithmetic(Expression, [(BinaryOperator, Expression)])
    /// `a < b < c` means `a < b and b < c`.
    case comparison(Expression, [(ComparisonOperator, Expression)])
    case and([Expression])
    case or([Expression])
    case not(Expression)
    case negated(Expression)
    case positive(Expression)
    case conditional(condition: Expression, then: Expression, otherwise: Expression?)
    case postfix(Expression, [Postfix])
  }
}

enum Literal: Sendable {
  case none
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(Text)
}

enum BinaryOperator: String, Sendable {
  case add = "+"
  case subtract = "-"
  case concatenate = "~"
  case multiply = "*"
  case divide = "/"
  case floorDivide = "//"
  case remainder = "%"
  case power = "**"

  /// Operators from the loosest binding to the tightest.
  static let precedence: [Set<BinaryOperator>] = [
    [.add, .subtract], [.concatenate], [.multiply, .divide, .floorDivide, .remainder], [.power],
  ]
}

enum ComparisonOperator: String, Sendable {
  case equal = "=="
  case notEqual = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case isIn = "in"
  case notIn = "not in"
}

/// An access, call, filter or test after a value.
struct Postfix: Sendable {
  let line: Int
  let kind: Kind

  enum Kind: Sendable {
    case attribute(String)
    case subscription(Expression)
    case slice(start: Expression?, end: Expression?, step: Expression?)
    case call(CallArguments)
    case filter(String, CallArguments)
    case test(String, CallArguments, negated: Bool)
  }
}

struct CallArguments: Sendable {
  var positional: [Expression] = []
  var keywords: [(name: String, value: Expression)] = []
  /// `*values` and `**mapping`.
  var spread: Expression?
  var keywordSpread: Expression?
}

/// The target of an assignment.
indirect enum Target: Sendable {
  case name(String)
  case tuple([Target])
  case attribute(namespace: String, name: String)
}

struct Statement: Sendable {
  let line: Int
  let kind: Kind

  indirect enum Kind: Sendable {
    case text(Text)
    case output(Expression)
    case conditional([(condition: Expression, body: [Statement])], otherwise: [Statement])
    case loop(Loop)
    case set(Target, Expression)
    case setBlock(Target, filters: [Postfix], body: [Statement])
    case with([(name: String, value: Expression)], body: [Statement])
    case macro(Macro)
    /// A macro call whose macro may render `caller`, the body.
    case call(Expression, CallArguments, caller: Macro)
    case filtered([Postfix], body: [Statement])
    /// `generation`: marks the assistant's text for training, renders as its body.
    case scope([Statement])
    /// `print`: several values one after another.
    case outputs([Expression])
    case leaveLoop
    case nextIteration
  }
}

struct Loop: Sendable {
  let target: Target
  let elements: Expression
  let condition: Expression?
  let body: [Statement]
  let otherwise: [Statement]
  /// The body may call `loop` with the elements one level below.
  let isRecursive: Bool
}

struct Macro: Sendable {
  let name: String
  let parameters: [(name: String, defaultValue: Expression?)]
  let body: [Statement]
  /// The body reads `varargs` or `kwargs`, so further arguments are taken.
  let takesFurther: Bool
  let takesFurtherKeywords: Bool
}

/// A piece of a template's source.
struct Token {
  enum Kind: Equatable {
    case data(Text)
    case outputBegin
    case outputEnd
    case blockBegin
    case blockEnd
    case name(String)
    case string(Text)
    case integer(Int)
    case float(Double)
    case symbol(String)
    case end
  }

  var kind: Kind
  var line: Int
}

extension Token.Kind: CustomStringConvertible {
  var description: String {
    switch self {
    case .data: "text"
    case .outputBegin: "'{{'"
    case .outputEnd: "'}}'"
    case .blockBegin: "'{%'"
    case .blockEnd: "'%}'"
    case .name(let name): "'\(name)'"
    case .string: "a string"
    case .integer, .float: "a number"
    case .symbol(let symbol): "'\(symbol)'"
    case .end: "the end of the template"
    }
  }
}

import DeRaJSON
import DeRaModelSpec

extension JSON {
  init(_ literal: ConfigLiteral) {
    switch literal {
    case .null: self = .null
    case .bool(let value): self = .bool(value)
    case .integer(let value): self = .integer(value)
    case .double(let value): self = .double(value)
    case .string(let value): self = .string(value)
    }
  }
}

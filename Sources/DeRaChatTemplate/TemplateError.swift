/// Why a template was refused or its rendering stopped, and on which line of the template.
package struct TemplateError: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Kind: Equatable, Sendable {
    /// The template is not well formed.
    case syntax
    /// Something that has no value was used where a value is needed.
    case undefined
    /// An operation got a value of the wrong type or range.
    case value
    /// The template tried to change a value or to reach behind it.
    case forbidden
    /// Jinja has this, the interpreter does not.
    case unsupported
    /// The template called `raise_exception`; `message` is its argument.
    case raised
    /// One of `TemplateLimits` was reached.
    case limit(TemplateLimits.Name)
  }

  package let kind: Kind
  /// Line of the template, counted from 1; 0 when the error is not in the template but in a value given to it.
  package let line: Int
  package let message: String

  package init(kind: Kind, line: Int, message: String) {
    self.kind = kind
    self.line = line
    self.message = message
  }

  package var description: String {
    line > 0 ? "chat template, line \(line): \(message)" : "chat template: \(message)"
  }
}

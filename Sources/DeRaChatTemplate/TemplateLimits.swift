/// The most that a template, which is untrusted data of a model file, may cost. Every limit ends in a
/// `TemplateError` of kind `.limit` that names it.
package struct TemplateLimits: Sendable, Equatable {
  package enum Name: String, Sendable {
    case source, nesting, steps, output, allocation, recursion, valueDepth, range
  }

  /// Characters of the template's source.
  package var source = 1 << 20
  /// Brackets and blocks open at once in the source.
  package var nesting = 100
  /// Evaluation steps: one a node evaluated, and one for every 16 characters or elements an operation touches.
  package var steps = 5_000_000
  /// Characters of the rendered prompt.
  package var output = 4 << 20
  /// Characters that all operations together may produce, 4 bytes each; an element of a list counts as 6.
  package var allocation = 16 << 20
  /// Expressions, blocks and macros being evaluated at once; macros calling macros reach it. This many fit in a
  /// stack of 512 KB.
  package var recursion = 300
  /// Lists and dictionaries inside one another, in a value.
  package var valueDepth = 100
  /// Elements of one `range`: what Jinja's sandbox allows.
  package var range = 100_000

  package init() {}
}

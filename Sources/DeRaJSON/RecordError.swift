/// A field of a file of results that no command of ours can have written: the file was changed or damaged.
package struct RecordError: Error, Equatable, CustomStringConvertible {
  /// The file, and the line where it has several records.
  package let place: String
  /// The field as the file names it: `prompts[3].id`.
  package let field: String
  package let expected: String

  package init(place: String, field: String, expected: String) {
    self.place = place
    self.field = field
    self.expected = expected
  }

  package var description: String {
    "\(place): '\(field)' must be \(expected); the file was changed or damaged: run its command anew"
  }
}

/// The checks of one record.
package struct RecordCheck {
  package let place: String

  /// - Parameter place: the file, and the line where it has several records.
  package init(place: String) { self.place = place }

  /// - Throws: `RecordError` unless the condition holds.
  package func require(
    _ condition: Bool, _ field: @autoclosure () -> String, _ expected: @autoclosure () -> String
  ) throws(RecordError) {
    if !condition { throw RecordError(place: place, field: field(), expected: expected()) }
  }

  package func require(
    _ value: Double, in range: ClosedRange<Double>, _ field: @autoclosure () -> String
  ) throws(RecordError) {
    try require(range.contains(value), field(), "a number from \(range.lowerBound) to \(range.upperBound)")
  }

  package func require(
    _ value: Int, in range: ClosedRange<Int>, _ field: @autoclosure () -> String
  ) throws(RecordError) {
    try require(range.contains(value), field(), "a whole number from \(range.lowerBound) to \(range.upperBound)")
  }

  /// - Throws: `RecordError` unless the names are there, each once, without control characters.
  package func requireNames(_ names: [String], _ field: @autoclosure () -> String) throws(RecordError) {
    try require(
      !names.isEmpty && Set(names).count == names.count && names.allSatisfy { !$0.isEmpty && isPlain($0) }, field(),
      "a list of names, each once")
  }

  /// Whether a text is one line that commands no terminal.
  package func isPlain(_ text: String) -> Bool {
    text.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
  }
}

/// Why a checkpoint cannot be used: where, what was found, what was expected and what to do about it.
package struct CheckpointError: Error, Equatable, Sendable, CustomStringConvertible {
  /// File or directory.
  package var path: String
  /// The tensor, configuration field or byte position inside `path`, if there is one.
  package var subject: String?
  /// The problem, as a phrase.
  package var problem: String
  package var expected: String?
  package var remedy: String?

  package init(
    path: String, subject: String? = nil, problem: String, expected: String? = nil, remedy: String? = nil
  ) {
    self.path = path
    self.subject = subject
    self.problem = problem
    self.expected = expected
    self.remedy = remedy
  }

  package var description: String {
    var text = path
    if let subject { text += ": \(subject)" }
    text += ": \(problem)"
    if let expected { text += "; expected \(expected)" }
    if let remedy { text += ". \(remedy)" }
    return text
  }
}

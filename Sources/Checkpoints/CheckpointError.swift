/// Why a checkpoint cannot be used: where, what was found, what was expected and what to do about it.
public struct CheckpointError: Error, Equatable, Sendable, CustomStringConvertible {
  /// File or directory.
  public var path: String
  /// The tensor, configuration field or byte position inside `path`, if there is one.
  public var subject: String?
  /// What is wrong.
  public var problem: String
  public var expected: String?
  public var remedy: String?

  public init(
    path: String, subject: String? = nil, problem: String, expected: String? = nil, remedy: String? = nil
  ) {
    self.path = path
    self.subject = subject
    self.problem = problem
    self.expected = expected
    self.remedy = remedy
  }

  public var description: String {
    var text = path
    if let subject { text += ": \(subject)" }
    text += ": \(problem)"
    if let expected { text += "; expected \(expected)" }
    if let remedy { text += ". \(remedy)" }
    return text
  }
}

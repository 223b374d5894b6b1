/// Counts what an evaluation costs and knows the line it is on.
final class Meter {
  let limits: TemplateLimits
  var line = 0
  /// The cost of an element of a list and of a small object on the heap, in characters of 4 bytes.
  private static let charactersPerElement = 6
  private static let charactersPerObject = 16
  /// Steps of a turn of a loop, which has variables of its own: it takes as long as so many nodes.
  static let stepsPerTurn = 8

  private var steps = 0
  private var touched = 0
  private var allocated = 0
  private var depth = 0

  init(limits: TemplateLimits) {
    self.limits = limits
  }

  func error(_ kind: TemplateError.Kind, _ message: String) -> TemplateError {
    TemplateError(kind: kind, line: line, message: message)
  }

  func step(_ count: Int = 1) throws(TemplateError) {
    steps += count
    if steps > limits.steps { throw exceeded(.steps, limits.steps, "evaluation steps") }
  }

  /// An operation looked at `count` characters or elements.
  func touch(_ count: Int) throws(TemplateError) {
    touched += count
    steps += touched / 16
    touched %= 16
    if steps > limits.steps { throw exceeded(.steps, limits.steps, "evaluation steps") }
  }

  /// An operation is about to produce `count` characters.
  func allocate(_ count: Int) throws(TemplateError) {
    if count > limits.allocation - allocated {
      throw exceeded(.allocation, limits.allocation, "characters of memory")
    }
    allocated += count
    try touch(count)
  }

  /// An operation is about to produce `count` elements of a list or dictionary.
  func allocate(elements count: Int) throws(TemplateError) {
    try allocate(count, times: Self.charactersPerElement)
  }

  /// An operation is about to produce `count` values that live on the heap, `characters` long in all.
  func allocate(objects count: Int, characters: Int = 0) throws(TemplateError) {
    try allocate(count, times: Self.charactersPerObject)
    try allocate(characters)
  }

  /// `count` copies of something `size` long are about to be produced.
  func allocate(_ count: Int, times size: Int) throws(TemplateError) {
    let (total, overflow) = count.multipliedReportingOverflow(by: size)
    try allocate(overflow ? .max : total)
  }

  func enter() throws(TemplateError) {
    if depth >= limits.recursion { throw exceeded(.recursion, limits.recursion, "nested evaluations") }
    depth += 1
    try step()
  }

  func leave() {
    depth -= 1
  }

  func exceeded(_ name: TemplateLimits.Name, _ limit: Int, _ what: String) -> TemplateError {
    error(.limit(name), "the template needs more than \(limit) \(what) (limit '\(name.rawValue)')")
  }
}

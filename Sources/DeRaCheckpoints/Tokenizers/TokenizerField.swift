import DeRaJSON
import DeRaTokenization

/// A value in a tokenizer's JSON with its place, so that errors can name it.
struct TokenizerField {
  let file: String
  /// Where the value is, as in `pre_tokenizer.pretokenizers[1]`.
  let place: String
  let value: JSON

  init(file: String, place: String = "", value: JSON) {
    self.file = file
    self.place = place
    self.value = value
  }

  /// A member; JSON null where there is none.
  subscript(key: String) -> TokenizerField {
    TokenizerField(file: file, place: place.isEmpty ? key : "\(place).\(key)", value: value[key] ?? .null)
  }

  var isNull: Bool { value.isNull }

  func error(_ problem: String, expected: String? = nil, remedy: String? = nil) -> CheckpointError {
    CheckpointError(path: file, subject: place, problem: problem, expected: expected, remedy: remedy)
  }

  private func wrong(_ expected: String) -> CheckpointError { error("found \(value.summary)", expected: expected) }

  func string() throws(CheckpointError) -> String {
    guard let string = value.string else { throw wrong("a string") }
    return string
  }

  func bytes() throws(CheckpointError) -> [UInt8] { Array(try string().utf8) }

  func bool(default value: Bool) throws(CheckpointError) -> Bool {
    if isNull { return value }
    guard let bool = self.value.bool else { throw wrong("true or false") }
    return bool
  }

  func tokenID() throws(CheckpointError) -> Int32 {
    guard let int = value.int, let id = Int32(exactly: int), id >= 0 else { throw wrong("a token id") }
    return id
  }

  func int(default value: Int) throws(CheckpointError) -> Int {
    if isNull { return value }
    guard let int = self.value.int else { throw wrong("an integer") }
    return int
  }

  func elements() throws(CheckpointError) -> [TokenizerField] {
    guard let array = value.array else { throw wrong("an array") }
    return array.enumerated().map { TokenizerField(file: file, place: "\(place)[\($0)]", value: $1) }
  }

  func object() throws(CheckpointError) -> JSONObject {
    guard let object = value.object else { throw wrong("an object") }
    return object
  }

  /// The kind of a tagged object of `tokenizers`.
  func type() throws(CheckpointError) -> String { try self["type"].string() }

  /// A chain of tagged objects: the members of (nested) `Sequence`s under `key`, or the single object.
  func chain(_ key: String, depth: Int = 0) throws(CheckpointError) -> [TokenizerField] {
    if isNull { return [] }
    guard try type() == "Sequence" else { return [self] }
    guard depth < 8 else { throw error("sequences nested more than 8 deep") }
    var chain: [TokenizerField] = []
    for element in try self[key].elements() { chain += try element.chain(key, depth: depth + 1) }
    return chain
  }

  func unsupported(_ what: String, _ type: String, supported: [String]) -> CheckpointError {
    error(
      "the \(what) “\(type)” is not supported", expected: "one of \(supported.joined(separator: ", "))",
      remedy: "Use a checkpoint whose tokenizer belongs to a supported family.")
  }
}

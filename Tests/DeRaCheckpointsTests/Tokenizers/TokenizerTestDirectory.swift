import DeRaPlatform

/// A directory of tokenizer files for one test, removed with what was written into it.
final class TokenizerTestDirectory {
  struct Failure: Error {}
  let path: String
  private var files: [String] = []

  init() throws {
    let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(base)/tokenizer-tests-XXXXXX".utf8CString)
    // What mkdtemp returns points into the array, which may be gone by then.
    guard mkdtemp(&template) != nil else { throw Failure() }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    for file in files { unlink(file) }
    rmdir(path)
  }

  /// A path in the directory for a file that someone else writes.
  func file(_ name: String) -> String {
    files.append("\(path)/\(name)")
    return "\(path)/\(name)"
  }

  @discardableResult
  func write(_ bytes: [UInt8], as name: String) throws -> String {
    let path = file(name)
    guard let file = fopen(path, "w") else { throw Failure() }
    defer { fclose(file) }
    guard fwrite(bytes, 1, bytes.count, file) == bytes.count else { throw Failure() }
    return path
  }
}

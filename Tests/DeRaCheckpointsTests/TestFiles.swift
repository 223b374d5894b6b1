import DeRaCheckpoints
import DeRaTestSupport
import Testing

extension TemporaryDirectory {
  /// Replaces a text that must occur in a file.
  func replace(_ old: String, with new: String, in name: String) throws {
    let text = try text(name)
    try #require(text.contains(old), "\(name) has no \(old)")
    try write(name, text.replacing(old, with: new))
  }
}

/// A safetensors file made of its parts, right or wrong.
func safetensorsBytes(header: String, data: [UInt8] = []) -> [UInt8] {
  let header = Array(header.utf8)
  return withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header + data
}

/// The error `body` throws, which must be a `CheckpointError`.
func checkpointError<Value>(
  _ body: () throws -> Value, location: SourceLocation = #_sourceLocation
) throws -> CheckpointError {
  let error = #expect(throws: CheckpointError.self, sourceLocation: location) { _ = try body() }
  return try #require(error, sourceLocation: location)
}

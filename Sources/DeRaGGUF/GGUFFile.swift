import DeRaPlatform
import DeRaTensorCore

/// A GGUF file (versions 2 and 3, little-endian), mapped and validated whole before anything of it is exposed.
///
/// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
package final class GGUFFile: Sendable {
  package let file: MappedFile
  package let version: Int
  /// Metadata in the file's order.
  package let metadata: [(key: String, value: GGUFValue)]
  /// Tensors in the file's order.
  package let tensors: [GGUFTensor]
  private let values: [String: GGUFValue]
  private let tensorIndex: [String: Int]

  /// Costs one pass over the header; tensor data is not touched.
  /// - Throws: `GGUFError` when the file cannot be read or breaks a rule of the format.
  package init(path: String) throws(GGUFError) {
    do throws(FileError) { file = try MappedFile(path: path) } catch { throw .file(error) }
    var parser = GGUFParser(file: file)
    try parser.parse()
    version = parser.version
    metadata = parser.metadata
    values = parser.values
    tensors = parser.tensors
    tensorIndex = parser.tensorIndex
  }

  package var path: String { file.path }

  /// Bytes that a file has to have which starts with those at `path`, by its header; nil while the header goes on.
  /// - Throws: `GGUFError` when no file can start so.
  package static func byteCount(ofStart path: String) throws(GGUFError) -> Int? {
    let file: MappedFile
    do throws(FileError) { file = try MappedFile(path: path) } catch { throw .file(error) }
    var parser = GGUFParser(file: file)
    do throws(GGUFError) {
      return try parser.parseSize()
    } catch .malformed(_, _, .truncated, _, _), .malformed(_, _, .tooMany, _, _) {
      return nil
    }
  }

  /// Whether the path is that of a file which starts as GGUF files do, whatever follows.
  package static func isGGUF(path: String) -> Bool {
    guard let file = try? MappedFile(path: path), file.bytes.count >= 4 else { return false }
    return file.bytes.littleEndian(at: 0, as: UInt32.self) == GGUFParser.magic
  }

  package subscript(key: String) -> GGUFValue? { values[key] }

  package func tensor(named name: String) -> GGUFTensor? { tensorIndex[name].map { tensors[$0] } }

  /// The tensor's data; valid while `file` lives.
  /// - Precondition: `tensor` is one of this file's.
  package func bytes(of tensor: GGUFTensor) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: file.bytes[tensor.byteRange])
  }
}

/// Typed metadata. The plain forms throw when the key is absent, the `IfPresent` forms return nil then; both throw
/// `GGUFError.wrongValue` when the value has another type.
extension GGUFFile {
  package func string(_ key: String) throws(GGUFError) -> String { try present(key, stringIfPresent(key)) }
  package func stringIfPresent(_ key: String) throws(GGUFError) -> String? {
    try value(key, "string") { if case .string(let string) = $0 { string } else { nil } }
  }

  /// An integer of any width that fits in `Int`.
  package func int(_ key: String) throws(GGUFError) -> Int { try present(key, intIfPresent(key)) }
  package func intIfPresent(_ key: String) throws(GGUFError) -> Int? { try value(key, "integer", \.integer) }

  /// A number of any type, rounded to `Float`.
  package func float(_ key: String) throws(GGUFError) -> Float { try present(key, floatIfPresent(key)) }
  package func floatIfPresent(_ key: String) throws(GGUFError) -> Float? {
    try value(key, "number") { $0.number.map(Float.init) }
  }

  package func bool(_ key: String) throws(GGUFError) -> Bool { try present(key, boolIfPresent(key)) }
  package func boolIfPresent(_ key: String) throws(GGUFError) -> Bool? {
    try value(key, "bool") { if case .bool(let bool) = $0 { bool } else { nil } }
  }

  /// An array whose elements have the given type.
  package func array(_ key: String, of type: GGUFValueType) throws(GGUFError) -> GGUFArray {
    try present(key, arrayIfPresent(key, of: type))
  }
  package func arrayIfPresent(_ key: String, of type: GGUFValueType) throws(GGUFError) -> GGUFArray? {
    try value(key, "array of \(type)") {
      if case .array(let array) = $0, array.elementType == type { array } else { nil }
    }
  }

  private func value<Value>(
    _ key: String, _ expected: @autoclosure () -> String, _ convert: (GGUFValue) -> Value?
  ) throws(GGUFError) -> Value? {
    guard let value = values[key] else { return nil }
    guard let converted = convert(value) else {
      throw .wrongValue(path: path, key: key, found: value.typeName, expected: expected())
    }
    return converted
  }

  private func present<Value>(_ key: String, _ value: Value?) throws(GGUFError) -> Value {
    guard let value else { throw .missing(path: path, key: key) }
    return value
  }
}

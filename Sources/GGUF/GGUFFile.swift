import TensorCore

/// A GGUF file (versions 2 and 3, little-endian), mapped and validated whole before anything of it is exposed.
///
/// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
public final class GGUFFile: Sendable {
  public let file: MappedFile
  public let version: Int
  /// In the file's order.
  public let metadata: [(key: String, value: GGUFValue)]
  /// In the file's order.
  public let tensors: [GGUFTensor]
  private let values: [String: GGUFValue]
  private let tensorIndex: [String: Int]

  /// Costs one pass over the header; tensor data is not touched.
  /// - Throws: `GGUFError` when the file cannot be read or breaks a rule of the format.
  public init(path: String) throws(GGUFError) {
    do throws(FileError) { file = try MappedFile(path: path) } catch { throw .file(error) }
    var parser = GGUFParser(file: file)
    try parser.parse()
    version = parser.version
    metadata = parser.metadata
    values = parser.values
    tensors = parser.tensors
    tensorIndex = parser.tensorIndex
  }

  public var path: String { file.path }

  /// Whether the path is that of a file which starts as GGUF files do, whatever follows.
  public static func isGGUF(path: String) -> Bool {
    guard let file = try? MappedFile(path: path), file.bytes.count >= 4 else { return false }
    return file.bytes.littleEndian(at: 0, as: UInt32.self) == GGUFParser.magic
  }

  public subscript(key: String) -> GGUFValue? { values[key] }

  public func tensor(named name: String) -> GGUFTensor? { tensorIndex[name].map { tensors[$0] } }

  /// The tensor's data; valid while `file` lives.
  /// - Precondition: `tensor` is one of this file's.
  public func bytes(of tensor: GGUFTensor) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: file.bytes[tensor.byteRange])
  }
}

/// Typed metadata. The plain forms throw when the key is absent, the `IfPresent` forms return nil then; both throw
/// `GGUFError.wrongValue` when the value has another type.
extension GGUFFile {
  public func string(_ key: String) throws(GGUFError) -> String { try present(key, stringIfPresent(key)) }
  public func stringIfPresent(_ key: String) throws(GGUFError) -> String? {
    try value(key, "string") { if case .string(let string) = $0 { string } else { nil } }
  }

  /// An integer of any width that fits in `Int`.
  public func int(_ key: String) throws(GGUFError) -> Int { try present(key, intIfPresent(key)) }
  public func intIfPresent(_ key: String) throws(GGUFError) -> Int? { try value(key, "integer", \.integer) }

  /// A number of any type, rounded to `Float`.
  public func float(_ key: String) throws(GGUFError) -> Float { try present(key, floatIfPresent(key)) }
  public func floatIfPresent(_ key: String) throws(GGUFError) -> Float? {
    try value(key, "number") { $0.number.map(Float.init) }
  }

  public func bool(_ key: String) throws(GGUFError) -> Bool { try present(key, boolIfPresent(key)) }
  public func boolIfPresent(_ key: String) throws(GGUFError) -> Bool? {
    try value(key, "bool") { if case .bool(let bool) = $0 { bool } else { nil } }
  }

  /// An array whose elements have the given type.
  public func array(_ key: String, of type: GGUFValueType) throws(GGUFError) -> GGUFArray {
    try present(key, arrayIfPresent(key, of: type))
  }
  public func arrayIfPresent(_ key: String, of type: GGUFValueType) throws(GGUFError) -> GGUFArray? {
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

import DeRaPlatform

/// Why a GGUF file was refused, where, and what to do.
package enum GGUFError: Error, Equatable, CustomStringConvertible {
  case file(FileError)
  /// The file breaks the format's rules at byte `offset`.
  case malformed(path: String, offset: Int, GGUFMalformation, found: String, expected: String)
  case missing(path: String, key: String)
  /// A metadata value of a type or size that does not fit its key.
  case wrongValue(path: String, key: String, found: String, expected: String)
  /// The writer's input makes no valid file.
  case unwritable(String)

  package var description: String {
    switch self {
    case .file(let error):
      return error.description
    case .malformed(let path, let offset, let kind, let found, let expected):
      return "\(path), byte \(offset): \(kind.rawValue): found \(found), expected \(expected). \(kind.remedy)"
    case .missing(let path, let key):
      return "\(path): metadata key \(key) is missing. Convert the model again with a current converter."
    case .wrongValue(let path, let key, let found, let expected):
      return "\(path): metadata key \(key) is \(found), expected \(expected)."
        + " Convert the model again with a current converter."
    case .unwritable(let reason):
      return "cannot write GGUF: \(reason)"
    }
  }
}

/// The rule of the format that a file breaks.
package enum GGUFMalformation: String, Sendable, CaseIterable {
  case notGGUF = "not a GGUF file"
  case unsupportedVersion = "unsupported GGUF version"
  case truncated = "the file ends too early"
  case tooMany = "impossible count"
  case badName = "bad key or tensor name"
  case badText = "text is not UTF-8"
  case duplicateKey = "duplicate metadata key"
  case unknownValueType = "unknown metadata value type"
  case nestedArray = "array inside an array"
  case badBool = "bad boolean"
  case badAlignment = "bad alignment"
  case badDimensions = "bad tensor dimensions"
  case unknownTensorType = "unknown tensor type"
  case partialBlock = "row is not a whole number of blocks"
  case sizeOverflow = "tensor size overflows"
  case duplicateTensor = "duplicate tensor"
  case misalignedTensor = "misaligned tensor"
  case overlappingTensors = "overlapping tensors"

  /// The user's way out.
  package var remedy: String {
    switch self {
    case .notGGUF: "Give the path of a GGUF model."
    case .unsupportedVersion: "Convert the model again with a current converter for little-endian machines."
    case .truncated: "The download or copy is incomplete, fetch the file again."
    case .unknownTensorType: "Convert the model to a known type (F16 or Q8_0, say) first."
    default: "The file is damaged or its writer is faulty, fetch or convert it again."
    }
  }
}

import DeRaPlatform
import DeRaTensorCore

/// A `.safetensors` file: an 8-byte header length, a JSON header, then the tensors' bytes without gaps
/// (format: huggingface.co/docs/safetensors). Everything about the header is checked before any tensor is handed out.
package struct Safetensors: Sendable {
  /// The format's own cap on the header.
  package static let maximumHeaderBytes = 100_000_000
  static let maximumDimensions = 8
  /// Element types that weights may have.
  package static let supportedTypes = SafetensorsTensor.Format.allCases.map(\.rawValue)
  /// Most tensors of a file. A mixture of 256 experts has 92,000 in 160 files.
  package static let maximumTensors = 1 << 17

  package struct Entry: Sendable, Equatable {
    package let name: String
    /// The type as the file spells it: "F32", "BF16" …
    package let dtype: String
    package let shape: [Int]
    /// Place of the tensor's bytes in the file.
    package let byteRange: Range<Int>
  }

  package let file: MappedFile
  /// Entries in the order of the data.
  package let entries: [Entry]
  private let indices: [String: Int]

  /// - Throws: `CheckpointError` naming the tensor or byte that is wrong.
  package init(path: String) throws(CheckpointError) {
    file = try CheckpointFile.map(path)
    entries = try SafetensorsHeader(file: file).entries()
    // Names that differ in bytes can still be equal as text.
    indices = Dictionary(entries.enumerated().map { ($1.name, $0) }) { first, _ in first }
    let repeated = entries.enumerated().first { indices[$1.name] != $0 }?.element.name
    if let repeated {
      throw CheckpointError(path: path, problem: "duplicate key \"\(repeated)\"", expected: "one tensor a name")
    }
  }

  package subscript(name: String) -> Entry? { indices[name].map { entries[$0] } }

  /// A view of a matrix `[rows, columns]` or a vector `[rows]` (`columns` 1); a single number is a vector of one.
  /// - Throws: `CheckpointError` when the element type is none of `SafetensorsTensor.Format` or the tensor has more dimensions.
  package func tensor(_ entry: Entry) throws(CheckpointError) -> SafetensorsTensor {
    guard let format = SafetensorsTensor.Format(rawValue: entry.dtype) else {
      throw CheckpointError(
        path: file.path, subject: entry.name, problem: "weights of element type \(entry.dtype)",
        expected: "one of " + Self.supportedTypes.joined(separator: ", "),
        remedy: "Convert from an unquantised checkpoint.")
    }
    guard entry.shape.count <= 2 else {
      throw CheckpointError(
        path: file.path, subject: entry.name, problem: "a tensor of shape \(entry.shape)",
        expected: "a number, a vector or a matrix")
    }
    return SafetensorsTensor(file: file, entry: entry, format: format)
  }
}

/// A tensor inside a mapped safetensors file.
package struct SafetensorsTensor: TensorSource {
  enum Format: String, Sendable, CaseIterable {
    case f64 = "F64"
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"
    case e4m3 = "F8_E4M3"
    case e5m2 = "F8_E5M2"
    case e8m0 = "F8_E8M0"

    var bytes: Int {
      switch self {
      case .f64: 8
      case .f32: 4
      case .f16, .bf16: 2
      case .e4m3, .e5m2, .e8m0: 1
      }
    }
  }

  let file: MappedFile
  let entry: Safetensors.Entry
  let format: Format

  package var rows: Int { entry.shape.first ?? 1 }
  package var columns: Int { entry.shape.count > 1 ? entry.shape[1] : 1 }

  package func read(rows range: Range<Int>, into output: UnsafeMutableBufferPointer<Float>) throws(CheckpointError) {
    try checkRead(range, output, path: file.path, tensor: entry.name)
    guard let data = file.bytes.baseAddress, let target = output.baseAddress else { return }
    let source = data + entry.byteRange.lowerBound + range.lowerBound * columns * format.bytes
    let count = range.count * columns
    switch format {
    case .f64: FloatConversion.f64(source, count: count, to: target)
    case .f32: FloatConversion.f32(source, count: count, to: target)
    case .f16: FloatConversion.f16(source, count: count, to: target)
    case .bf16: FloatConversion.bf16(source, count: count, to: target)
    case .e4m3: FloatConversion.bytes(source, count: count, through: FloatConversion.e4m3, to: target)
    case .e5m2: FloatConversion.bytes(source, count: count, through: FloatConversion.e5m2, to: target)
    case .e8m0: FloatConversion.bytes(source, count: count, through: FloatConversion.e8m0, to: target)
    }
  }

  package func release() { file.drop(entry.byteRange) }
}

import DeRaPlatform
import DeRaTensorCore

/// A `.safetensors` file: an 8-byte header length, a JSON header, then the tensors' bytes without gaps
/// (format: huggingface.co/docs/safetensors). Everything about the header is checked before any tensor is handed out.
package struct Safetensors: Sendable {
  /// The format's own cap on the header.
  package static let maximumHeaderBytes = 100_000_000
  static let maximumDimensions = 8

  package struct Entry: Sendable, Equatable {
    package let name: String
    /// As the file spells it: "F32", "BF16" …
    package let dtype: String
    package let shape: [Int]
    /// Place of the tensor's bytes in the file.
    package let byteRange: Range<Int>
  }

  package let file: MappedFile
  /// In the order of the data.
  package let entries: [Entry]
  private let indices: [String: Int]

  /// - Throws: `CheckpointError` naming the tensor or byte that is wrong.
  package init(path: String) throws(CheckpointError) {
    file = try CheckpointFile.map(path)
    entries = try SafetensorsHeader(file: file).entries()
    // Names that differ in bytes can still be equal as text.
    indices = Dictionary(entries.enumerated().map { ($1.name, $0) }) { first, _ in first }
    guard indices.count == entries.count else {
      throw CheckpointError(path: path, problem: "duplicate tensor names", expected: "one tensor a name")
    }
  }

  package subscript(name: String) -> Entry? { indices[name].map { entries[$0] } }

  /// A view of a matrix `[rows, columns]` or a vector `[rows]` (`columns` 1).
  /// - Throws: `CheckpointError` when the element type is not F32, F16 or BF16 or the tensor has other dimensions.
  package func tensor(_ entry: Entry) throws(CheckpointError) -> SafetensorsTensor {
    guard let format = SafetensorsTensor.Format(rawValue: entry.dtype) else {
      throw CheckpointError(
        path: file.path, subject: entry.name, problem: "weights of element type \(entry.dtype)",
        expected: "F32, F16 or BF16", remedy: "Convert from an unquantised checkpoint.")
    }
    guard (1...2).contains(entry.shape.count) else {
      throw CheckpointError(
        path: file.path, subject: entry.name, problem: "a tensor of shape \(entry.shape)",
        expected: "a vector or a matrix")
    }
    return SafetensorsTensor(file: file, entry: entry, format: format)
  }
}

/// A tensor inside a mapped safetensors file.
package struct SafetensorsTensor: TensorSource {
  enum Format: String, Sendable {
    case f32 = "F32"
    case f16 = "F16"
    case bf16 = "BF16"
    var bytes: Int { self == .f32 ? 4 : 2 }
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
    case .f32: FloatConversion.f32(source, count: count, to: target)
    case .f16: FloatConversion.f16(source, count: count, to: target)
    case .bf16: FloatConversion.bf16(source, count: count, to: target)
    }
  }

  package func release() { file.drop(entry.byteRange) }
}

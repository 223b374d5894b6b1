import DeRaGGUF
import DeRaJSON
import DeRaPlatform
import DeRaTensorCore

/// Reads and checks the header of a mapped safetensors file.
struct SafetensorsHeader {
  let file: MappedFile

  /// Bits of one element of every type of the format; the readers of weights accept some of them.
  static let elementBits = [
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "U16": 16, "I16": 16, "F16": 16, "BF16": 16, "U32": 32, "I32": 32, "F32": 32, "U64": 64, "I64": 64, "F64": 64,
    "C64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
  ]

  /// Values in one member: a tensor has a dozen, the metadata as many as their author likes.
  private static let memberValues = 1 << 16

  func error(_ subject: String?, _ problem: String, expected: String? = nil) -> CheckpointError {
    CheckpointError(
      path: file.path, subject: subject, problem: problem, expected: expected,
      remedy: "The file is damaged or was not downloaded whole: fetch it again.")
  }

  /// - Returns: the tensors in the order of their data, which they cover without gap or overlap.
  func entries() throws(CheckpointError) -> [Safetensors.Entry] {
    let header = try bytes()
    let dataStart = 8 + header.count
    let dataBytes = file.bytes.count - dataStart
    var entries: [Safetensors.Entry] = []
    // Member by member: the header as one tree would take forty times its own size.
    var members = try parsed { () throws(JSONError) in try JSONMembers(header, valueLimit: Self.memberValues) }
    while let (name, value) = try parsed({ () throws(JSONError) in try members.next() }) {
      if name == "__metadata__" {
        try checkMetadata(value)
      } else {
        guard entries.count < Safetensors.maximumTensors else {
          throw error(nil, "more than \(Safetensors.maximumTensors) tensors", expected: "at most so many in a file")
        }
        entries.append(try entry(name, value, dataStart: dataStart, dataBytes: dataBytes))
      }
    }
    try checkPlaces(&entries, dataStart: dataStart)
    return entries
  }

  /// Sorts the entries and checks that they cover the data.
  private func checkPlaces(_ entries: inout [Safetensors.Entry], dataStart: Int) throws(CheckpointError) {
    entries.sort {
      ($0.byteRange.lowerBound, $0.byteRange.upperBound) < ($1.byteRange.lowerBound, $1.byteRange.upperBound)
    }
    var end = dataStart
    for entry in entries {
      guard entry.byteRange.lowerBound == end else {
        throw error(
          entry.name, "its data start at byte \(entry.byteRange.lowerBound - dataStart)",
          expected: "byte \(end - dataStart), where the tensor before it ends (no gaps, no overlaps)")
      }
      end = entry.byteRange.upperBound
    }
    guard end == file.bytes.count else {
      throw error(nil, "\(file.bytes.count - end) bytes follow the last tensor", expected: "none")
    }
  }

  /// The JSON text.
  private func bytes() throws(CheckpointError) -> UnsafeRawBufferPointer {
    let bytes = file.bytes
    guard bytes.count >= 8 else {
      throw error("byte 0", "\(bytes.count) bytes", expected: "at least the 8 of the header length")
    }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(Safetensors.maximumHeaderBytes), length <= UInt64(bytes.count - 8) else {
      throw error(
        "byte 0", "a header of \(length) bytes in a file of \(bytes.count)",
        expected: "a header that fits in the file and in \(Safetensors.maximumHeaderBytes) bytes")
    }
    return UnsafeRawBufferPointer(rebasing: bytes[8..<8 + Int(length)])
  }

  private func parsed<Value>(_ body: () throws(JSONError) -> Value) throws(CheckpointError) -> Value {
    do throws(JSONError) {
      return try body()
    } catch {
      throw self.error("header", "\(error)", expected: "a JSON object of tensors")
    }
  }

  private func checkMetadata(_ value: JSON) throws(CheckpointError) {
    if value.isNull { return }
    guard let object = value.object, object.values.allSatisfy({ $0.string != nil }) else {
      throw error("__metadata__", value.summary, expected: "an object of strings")
    }
  }

  private func entry(
    _ name: String, _ value: JSON, dataStart: Int, dataBytes: Int
  ) throws(CheckpointError) -> Safetensors.Entry {
    guard let dtype = value["dtype"]?.string, let shape = value["shape"]?.array?.map(\.exactInteger),
      let offsets = value["data_offsets"]?.array?.map(\.exactInteger), offsets.count == 2
    else {
      throw error(name, value.summary, expected: "an object with dtype, shape and two data_offsets")
    }
    guard let bits = Self.elementBits[dtype] else {
      throw error(name, "unknown element type \"\(dtype)\"", expected: "a type of the safetensors format")
    }
    let sizes = shape.compactMap { $0 }
    guard sizes.count == shape.count, sizes.count <= Safetensors.maximumDimensions, sizes.allSatisfy({ $0 >= 0 }) else {
      throw error(name, "a bad shape", expected: "at most \(Safetensors.maximumDimensions) sizes that are not negative")
    }
    guard let begin = offsets[0], let end = offsets[1], begin >= 0, begin <= end, end <= dataBytes else {
      throw error(
        name, "data_offsets that do not lie in the file", expected: "0 ≤ begin ≤ end ≤ \(dataBytes) bytes of data")
    }
    guard let total = try? CheckedSize.product(of: sizes + [bits]), total % 8 == 0, total / 8 == end - begin else {
      throw error(name, "\(end - begin) bytes for \(dtype) of shape \(sizes)", expected: "the size of that shape")
    }
    return Safetensors.Entry(name: name, dtype: dtype, shape: sizes, byteRange: dataStart + begin..<dataStart + end)
  }
}

extension JSON {
  /// The value of a number written as an integer.
  var exactInteger: Int? { if case .integer(let value) = self { value } else { nil } }
}

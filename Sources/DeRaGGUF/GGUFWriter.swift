import DeRaPlatform
import DeRaTensorCore

/// Writes a GGUF v3 file: the header, then the tensors' data in declared order, in pieces of any size.
///
/// Data is aligned to 64 bytes and its section starts on a page of 4,096 bytes (a filler string, `dera.padding`, sees to
/// that), so that mapped weights start on a page.
package struct GGUFWriter {
  package static let alignment = 64
  package static let pageBytes = 4_096
  private static let alignmentKey = "general.alignment"
  private static let paddingKey = "dera.padding"

  /// Tensors with the byte ranges they will have in the file.
  package let tensors: [GGUFTensor]
  private let header: [UInt8]
  private var isStarted = false
  /// The tensor being written.
  private var index = 0
  /// Bytes of it written so far.
  private var written = 0

  /// `general.alignment` and `dera.padding` are added to the metadata here.
  /// - Throws: `GGUFError.unwritable` for duplicate keys or names, or names and dimensions a reader would refuse.
  package init(
    metadata: [(key: String, value: GGUFValue)], tensors: [(name: String, type: GGMLType, dimensions: [Int])]
  ) throws(GGUFError) {
    let metadata = metadata + [(Self.alignmentKey, .uint32(UInt32(Self.alignment)))]
    try Self.checkNames("metadata key", metadata.map(\.key) + [Self.paddingKey], atMost: GGUFLimits.keyBytes)
    try Self.checkNames("tensor name", tensors.map(\.name), atMost: GGUFLimits.tensorNameBytes)
    guard metadata.count < GGUFLimits.metadataKeys, tensors.count <= GGUFLimits.tensors else {
      throw .unwritable("\(metadata.count) metadata keys and \(tensors.count) tensors are too many")
    }
    var keyValues: [UInt8] = []
    for (key, value) in metadata { keyValues.append(ggufKey: key, value) }
    var infos: [UInt8] = []
    var placed: [GGUFTensor] = []
    var offset = 0
    for tensor in tensors {
      let bytes = try Self.byteCount(of: tensor.name, tensor.type, tensor.dimensions)
      infos.append(ggufTensor: tensor, offset: offset)
      placed.append(
        GGUFTensor(
          name: tensor.name, type: tensor.type, dimensions: tensor.dimensions, byteRange: offset..<offset + bytes))
      guard let end = try? CheckedSize.aligned(offset + bytes, to: Self.alignment), end < Int.max / 2 else {
        throw .unwritable("the tensors up to \(tensor.name) do not fit in 62 bits")
      }
      offset = end
    }
    let header = Self.header(keyValues, keyCount: metadata.count + 1, infos, tensorCount: tensors.count)
    self.header = header
    self.tensors = placed.map {
      GGUFTensor(
        name: $0.name, type: $0.type, dimensions: $0.dimensions,
        byteRange: $0.byteRange.lowerBound + header.count..<$0.byteRange.upperBound + header.count)
    }
  }

  /// Bytes of the whole file.
  package var fileBytes: Int {
    (tensors.last?.byteRange.upperBound ?? header.count).roundedUp(toMultipleOf: Self.alignment)
  }

  /// Writes the header; call it once, before any tensor.
  /// - Throws: `GGUFError.file`, or `.unwritable` when `file` is not empty.
  package mutating func writeHeader(to file: AtomicFile) throws(GGUFError) {
    guard !isStarted, file.position == 0 else { throw .unwritable("the header comes first and once") }
    try write(header, to: file)
    isStarted = true
  }

  /// Replaces the header that `writeHeader` wrote by this writer's: made with the same tensors and metadata of the same
  /// size, for values (checksums) known only after the data.
  /// - Throws: `GGUFError.file`, or `.unwritable` when the sizes differ.
  package func rewriteHeader(of previous: GGUFWriter, in file: AtomicFile) throws(GGUFError) {
    guard previous.isStarted, previous.tensors == tensors, previous.header.count == header.count else {
      throw .unwritable("a header can be replaced only by one of the same size for the same tensors")
    }
    var failure: FileError?
    header.withUnsafeBytes { bytes in
      do throws(FileError) { try file.overwrite(bytes, at: 0) } catch { failure = error }
    }
    if let failure { throw .file(failure) }
  }

  /// Appends to the current tensor's data; its last byte completes it, padding included, and the next one follows.
  /// - Throws: `GGUFError.file`, or `.unwritable` for more bytes than the tensor has.
  package mutating func writeTensor(_ bytes: UnsafeRawBufferPointer, to file: AtomicFile) throws(GGUFError) {
    guard isStarted, index < tensors.count, bytes.count <= tensors[index].byteRange.count - written else {
      throw .unwritable("\(bytes.count) bytes are more than is left of tensor number \(index) of \(tensors.count)")
    }
    do throws(FileError) { try file.write(bytes) } catch { throw .file(error) }
    written += bytes.count
    guard written == tensors[index].byteRange.count else { return }
    try write(Array(repeating: 0, count: (Self.alignment - written % Self.alignment) % Self.alignment), to: file)
    index += 1
    written = 0
  }

  /// - Throws: `GGUFError.unwritable` unless the header and all tensors are written; commit the file after this.
  package func finish() throws(GGUFError) {
    guard isStarted, index == tensors.count else {
      throw .unwritable("only \(index) of \(tensors.count) tensors were written")
    }
  }

  private func write(_ bytes: [UInt8], to file: AtomicFile) throws(GGUFError) {
    var failure: FileError?
    bytes.withUnsafeBytes { buffer in
      do throws(FileError) { try file.write(buffer) } catch { failure = error }
    }
    if let failure { throw .file(failure) }
  }

  private static func header(
    _ keyValues: [UInt8], keyCount: Int, _ infos: [UInt8], tensorCount: Int
  ) -> [UInt8] {
    func assembled(filler: Int) -> [UInt8] {
      var bytes: [UInt8] = []
      bytes.append(littleEndian: GGUFParser.magic)
      bytes.append(littleEndian: UInt32(3))
      bytes.append(littleEndian: UInt64(tensorCount))
      bytes.append(littleEndian: UInt64(keyCount))
      bytes += keyValues
      bytes.append(ggufKey: paddingKey, .string(String(repeating: " ", count: filler)))
      return bytes + infos
    }
    return assembled(filler: (pageBytes - assembled(filler: 0).count % pageBytes) % pageBytes)
  }

  private static func checkNames(_ what: String, _ names: [String], atMost limit: Int) throws(GGUFError) {
    var seen: Set<String> = []
    for name in names {
      guard !name.isEmpty, name.utf8.count <= limit else {
        throw .unwritable("\(what) \"\(name.prefix(40))\" of \(name.utf8.count) bytes, expected 1 to \(limit)")
      }
      guard seen.insert(name).inserted else { throw .unwritable("\(what) \(name) occurs twice") }
    }
  }

  private static func byteCount(of name: String, _ type: GGMLType, _ dimensions: [Int]) throws(GGUFError) -> Int {
    guard (1...GGUFLimits.dimensions).contains(dimensions.count), dimensions.allSatisfy({ $0 > 0 }),
      let bytes = try? type.byteCount(of: dimensions), bytes < Int.max / 2
    else { throw .unwritable("tensor \(name) of type \(type.name) cannot have the dimensions \(dimensions)") }
    return bytes
  }
}

extension [UInt8] {
  fileprivate mutating func append(ggufKey key: String, _ value: GGUFValue) {
    append(ggufString: key.utf8)
    append(littleEndian: value.type.rawValue)
    switch value {
    case .uint8(let number): append(littleEndian: number)
    case .int8(let number): append(littleEndian: number)
    case .uint16(let number): append(littleEndian: number)
    case .int16(let number): append(littleEndian: number)
    case .uint32(let number): append(littleEndian: number)
    case .int32(let number): append(littleEndian: number)
    case .uint64(let number): append(littleEndian: number)
    case .int64(let number): append(littleEndian: number)
    case .float32(let number): append(littleEndian: number.bitPattern)
    case .float64(let number): append(littleEndian: number.bitPattern)
    case .bool(let bool): append(bool ? 1 : 0)
    case .string(let string): append(ggufString: string.utf8)
    case .array(let array):
      append(littleEndian: array.elementType.rawValue)
      append(littleEndian: UInt64(array.count))
      array.withBytes { append(contentsOf: $0) }
    }
  }

  fileprivate mutating func append(
    ggufTensor tensor: (name: String, type: GGMLType, dimensions: [Int]), offset: Int
  ) {
    append(ggufString: tensor.name.utf8)
    append(littleEndian: UInt32(tensor.dimensions.count))
    for dimension in tensor.dimensions { append(littleEndian: UInt64(dimension)) }
    append(littleEndian: tensor.type.rawValue)
    append(littleEndian: UInt64(offset))
  }
}

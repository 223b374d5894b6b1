/// Rows of fixed size in the image. The caller keeps the memory alive and the column within a row.
///
/// A row outside the table reads as 0: the image was checked, but whoever overwrites its file changes it afterwards.
struct ImageTable: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer
  let rowBytes: Int
  /// Where the table starts in the image, for messages.
  let offset: Int
  let count: Int

  init(bytes: UnsafeRawBufferPointer, rowBytes: Int, offset: Int) {
    self.bytes = bytes
    self.rowBytes = rowBytes
    self.offset = offset
    count = bytes.count / rowBytes
  }

  @inline(__always)
  private func number<T: FixedWidthInteger>(_ row: Int, _ column: Int, as type: T.Type) -> T {
    guard UInt(bitPattern: row) < UInt(bitPattern: count) else { return 0 }
    return T(littleEndian: bytes.loadUnaligned(fromByteOffset: row * rowBytes + column, as: type))
  }

  @inline(__always) func u8(_ row: Int, _ column: Int) -> UInt8 { number(row, column, as: UInt8.self) }
  @inline(__always) func u16(_ row: Int, _ column: Int) -> UInt16 { number(row, column, as: UInt16.self) }
  @inline(__always) func u32(_ row: Int, _ column: Int) -> UInt32 { number(row, column, as: UInt32.self) }

  @inline(__always) func i32(_ row: Int, _ column: Int) -> Int32 { Int32(bitPattern: u32(row, column)) }

  func damaged(at row: Int, _ found: String, _ expected: String) -> TokenizerError {
    .damagedImage(offset: offset + row * rowBytes, found: found, expected: expected)
  }
}

extension [UInt8] {
  /// `withUnsafeBytes` that keeps the type of the error.
  func withRawBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws(TokenizerError) -> Result
  ) throws(TokenizerError) -> Result {
    try withUnsafeBufferPointer { bytes throws(TokenizerError) in try body(UnsafeRawBufferPointer(bytes)) }
  }

  mutating func append(littleEndian value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }

  /// A length as u32, then the bytes.
  mutating func append(block: [UInt8]) {
    append(littleEndian: UInt32(truncatingIfNeeded: block.count))
    append(contentsOf: block)
  }
}

/// Reads the settings' values one after another.
struct ImageReader {
  private let table: ImageTable
  private var position = 0

  init(_ table: ImageTable) { self.table = table }

  var isAtEnd: Bool { position == table.bytes.count }

  func damaged(_ found: String, _ expected: String) -> TokenizerError {
    table.damaged(at: position, found, expected)
  }

  mutating func integer<T: FixedWidthInteger>(_ type: T.Type) throws(TokenizerError) -> T {
    let size = MemoryLayout<T>.size
    guard position + size <= table.bytes.count else { throw damaged("the end", "\(size) more bytes of settings") }
    defer { position += size }
    return T(littleEndian: table.bytes.loadUnaligned(fromByteOffset: position, as: T.self))
  }

  mutating func flag() throws(TokenizerError) -> Bool { try integer(UInt8.self) != 0 }

  mutating func block() throws(TokenizerError) -> [UInt8] {
    let count = Int(try integer(UInt32.self))
    guard position + count <= table.bytes.count else { throw damaged("the end", "\(count) more bytes of settings") }
    defer { position += count }
    return Array(table.bytes[position..<(position + count)])
  }

  /// A block that is repeated in texts, short so that a damaged image cannot make a small text huge.
  mutating func shortBlock() throws(TokenizerError) -> [UInt8] {
    let block = try block()
    guard block.count <= Self.maximumShortBlock else {
      throw damaged("a text unit of \(block.count) bytes", "at most \(Self.maximumShortBlock)")
    }
    return block
  }

  private static let maximumShortBlock = TokenizerDefinition.maximumLiteralBytes

  /// A count that leaves at least `bytesEach` bytes for every element.
  mutating func count(bytesEach: Int) throws(TokenizerError) -> Int {
    let count = Int(try integer(UInt32.self))
    guard count <= (table.bytes.count - position) / bytesEach else {
      throw damaged("a list of \(count)", "at most what \(table.bytes.count - position) bytes can hold")
    }
    return count
  }
}

internal import CDeRaLZ4

/// LZ4's frame format: compressing and expanding of whole files in bounded memory, by liblz4.
///
/// Format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
package enum LZ4 {
  /// 1 is the fastest; from 3 on a slower search finds more repetitions.
  package static let levels = 1...12

  /// Input is handed over in pieces of this many bytes, and comes back in such pieces.
  private static let pieceBytes = 1 << 22

  private static let frameMagic = UInt32(LZ4F_MAGICNUMBER)
  /// The first of 16.
  private static let skippableMagic = UInt32(LZ4F_MAGIC_SKIPPABLE_START)
  private static let skippableHeaderBytes = 8

  /// Whether bytes start as a frame does, or a note before one.
  package static func isFrame(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let magic = number(bytes, at: 0) else { return false }
    return magic == frameMagic || isSkippable(magic)
  }

  /// One frame of `bytes`, with blocks of 4 MB, the content's size and its checksum.
  /// - Parameters:
  ///   - level: one of `levels`.
  ///   - write: gets the frame piece by piece.
  ///   - progress: is told, after every piece, how many of the bytes are done.
  /// - Throws: `LZ4Error.failed`, and what `write` and `progress` throw.
  package static func compress(
    _ bytes: UnsafeRawBufferPointer, level: Int, write: (UnsafeRawBufferPointer) throws -> Void,
    progress: (_ done: Int) throws -> Void = { _ in }
  ) throws {
    var context: OpaquePointer?
    try check(LZ4F_createCompressionContext(&context, UInt32(LZ4F_VERSION)))
    defer { LZ4F_freeCompressionContext(context) }
    var preferences = LZ4F_preferences_t()
    preferences.frameInfo.blockSizeID = LZ4F_max4MB
    preferences.frameInfo.blockMode = LZ4F_blockIndependent
    preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled
    preferences.frameInfo.contentSize = UInt64(bytes.count)
    preferences.compressionLevel = Int32(clamping: level)
    let room = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(LZ4F_compressBound(pieceBytes, &preferences), Int(LZ4F_HEADER_SIZE_MAX)), alignment: 16)
    defer { room.deallocate() }
    func emit(_ count: Int) throws {
      if try check(count) > 0 { try write(UnsafeRawBufferPointer(rebasing: room[..<count])) }
    }
    try emit(LZ4F_compressBegin(context, room.baseAddress, room.count, &preferences))
    for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
      let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + pieceBytes, bytes.count)])
      try emit(LZ4F_compressUpdate(context, room.baseAddress, room.count, piece.baseAddress, piece.count, nil))
      try progress(start + piece.count)
    }
    try emit(LZ4F_compressEnd(context, room.baseAddress, room.count, nil))
  }

  /// The content of the one frame that `bytes` are, notes before it aside; its checksum is compared.
  /// - Parameters:
  ///   - limit: most bytes of content.
  ///   - write: gets the content piece by piece.
  ///   - progress: is told, after every piece, how many of the bytes are done.
  /// - Throws: `LZ4Error`, and what `write` and `progress` throw.
  package static func expand(
    _ bytes: UnsafeRawBufferPointer, limit: Int = .max, write: (UnsafeRawBufferPointer) throws -> Void,
    progress: (_ done: Int) throws -> Void = { _ in }
  ) throws {
    var position = try frameStart(bytes)
    var context: OpaquePointer?
    try check(LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION)))
    defer { LZ4F_freeDecompressionContext(context) }
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceBytes, alignment: 16)
    defer { room.deallocate() }
    var left = limit
    while true {
      let piece = bytes[position..<min(position + pieceBytes, bytes.count)]
      var taken = piece.count
      var made = room.count
      let expected = try check(
        LZ4F_decompress(
          context, room.baseAddress, &made, UnsafeRawBufferPointer(rebasing: piece).baseAddress, &taken, nil))
      position += taken
      guard made <= left else { throw LZ4Error.tooLong(limit: limit) }
      left -= made
      if made > 0 { try write(UnsafeRawBufferPointer(rebasing: room[..<made])) }
      try progress(position)
      if expected == 0 { break }
      guard taken > 0 || made > 0 else { throw LZ4Error.truncated }
    }
    guard position == bytes.count else { throw LZ4Error.trailingBytes(bytes.count - position) }
  }

  /// A note that programs which expand the frame after it skip.
  package static func note(_ content: [UInt8]) -> [UInt8] {
    littleEndian(skippableMagic) + littleEndian(UInt32(clamping: content.count)) + content
  }

  /// The content of a note at the very start; nil where there is none.
  package static func note(of bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
    guard let magic = number(bytes, at: 0), isSkippable(magic), let count = number(bytes, at: 4),
      Int(count) <= bytes.count - skippableHeaderBytes
    else { return nil }
    return UnsafeRawBufferPointer(rebasing: bytes[skippableHeaderBytes..<skippableHeaderBytes + Int(count)])
  }

  private static func frameStart(_ bytes: UnsafeRawBufferPointer) throws(LZ4Error) -> Int {
    var start = 0
    while let magic = number(bytes, at: start) {
      if magic == frameMagic { return start }
      guard isSkippable(magic) else { throw .notAFrame }
      guard let count = number(bytes, at: start + 4), Int(count) <= bytes.count - start - skippableHeaderBytes else {
        throw .truncated
      }
      start += skippableHeaderBytes + Int(count)
    }
    throw start == 0 ? .notAFrame : .truncated
  }

  private static func isSkippable(_ magic: UInt32) -> Bool { magic & ~0xF == skippableMagic }

  private static func number(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> UInt32? {
    guard bytes.count - offset >= 4 else { return nil }
    return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  private static func littleEndian(_ number: UInt32) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
  }

  @discardableResult
  private static func check(_ result: Int) throws(LZ4Error) -> Int {
    guard LZ4F_isError(result) == 0 else {
      throw .failed(LZ4F_getErrorName(result).map { String(cString: $0) } ?? "\(result)")
    }
    return result
  }
}

/// Why a frame cannot be made or expanded.
package enum LZ4Error: Error, Equatable, CustomStringConvertible {
  case notAFrame
  case truncated
  /// This many bytes follow the frame.
  case trailingBytes(Int)
  case tooLong(limit: Int)
  /// An error of liblz4, in its words.
  case failed(String)

  package var description: String {
    switch self {
    case .notAFrame: "it does not start as LZ4 frames do"
    case .truncated: "it ends inside the LZ4 frame"
    case .trailingBytes(let count): "\(count) bytes follow the LZ4 frame, where there should be none"
    case .tooLong(let limit): "it holds more than the \(limit) bytes that are allowed"
    case .failed(let what): "the LZ4 frame is damaged (\(what))"
    }
  }
}

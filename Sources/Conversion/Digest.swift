import Bundle
import Crypto
import GGUF

/// SHA-256 as text.
enum Digest {
  private static let pieceBytes = 8 << 20

  static func text(of bytes: [UInt8]) -> String { Checksum.text(SHA256.hash(data: bytes)) }

  /// The digest of a file, read piece by piece and not kept in memory.
  ///
  /// - Parameter progress: called with the bytes of every piece.
  /// - Throws: `FileError` when the file cannot be opened, and what `progress` throws.
  static func file(_ path: String, progress: (Int) throws -> Void) throws -> SourceFile {
    let file = try MappedFile(path: path)
    var hash = SHA256()
    for start in stride(from: 0, to: file.bytes.count, by: pieceBytes) {
      let range = start..<min(file.bytes.count, start + pieceBytes)
      hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: file.bytes[range]))
      file.drop(range)
      try progress(range.count)
    }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    return SourceFile(name: name, bytes: file.bytes.count, sha256: Checksum.text(hash.finalize()))
  }
}

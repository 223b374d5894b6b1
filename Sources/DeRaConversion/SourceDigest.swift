import DeRaBundle
import DeRaDigest
import DeRaPlatform

extension SourceFile {
  private static let pieceBytes = 8 << 20

  /// A file with its SHA-256, read piece by piece and not kept in memory.
  ///
  /// - Parameter progress: called with the bytes of every piece.
  /// - Throws: `FileError` when the file cannot be opened, and what `progress` throws.
  init(reading path: String, progress: (Int) throws -> Void) throws {
    let file = try MappedFile(path: path)
    var hash = SHA256()
    for start in stride(from: 0, to: file.bytes.count, by: Self.pieceBytes) {
      let range = start..<min(file.bytes.count, start + Self.pieceBytes)
      hash.update(UnsafeRawBufferPointer(rebasing: file.bytes[range]))
      file.drop(range)
      try progress(range.count)
    }
    let name = path.split(separator: "/").last.map(String.init) ?? path
    self.init(name: name, bytes: file.bytes.count, sha256: hash.hexadecimal())
  }
}

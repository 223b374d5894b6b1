import Bundle
import Crypto
import GGUF

/// SHA-256 in hexadecimal, for telling inputs of long jobs apart.
public enum Fingerprint {
  public static func of(_ bytes: UnsafeRawBufferPointer) -> String {
    var hash = SHA256()
    hash.update(bufferPointer: bytes)
    return Checksum.text(hash.finalize())
  }
}

extension ModelBundle {
  /// A fingerprint of everything the file holds before its tensors. That includes the checksum of each of them, so the
  /// weights are covered without being read.
  /// - Throws: `FileError` when the file is no longer there.
  public func fingerprint() throws(FileError) -> String {
    let file = try MappedFile(path: path)
    let starts = manifest.tensors.map(\.byteRange.lowerBound) + [manifest.tokenizer?.byteRange.lowerBound ?? .max]
    return withExtendedLifetime(file) {
      Fingerprint.of(UnsafeRawBufferPointer(rebasing: file.bytes.prefix(starts.min() ?? 0)))
    }
  }
}

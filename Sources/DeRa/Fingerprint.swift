import DeRaBundle
import DeRaDigest
import DeRaPlatform

extension ModelBundle {
  /// A fingerprint of everything the file holds before its tensors. That includes the checksum of each of them, so the
  /// weights are covered without being read.
  /// - Throws: `FileError` when the file is no longer there.
  package func fingerprint() throws(FileError) -> String {
    let file = try MappedFile(path: path)
    let starts = manifest.tensors.map(\.byteRange.lowerBound) + [manifest.tokenizer?.byteRange.lowerBound ?? .max]
    return withExtendedLifetime(file) {
      SHA256.hexadecimal(of: UnsafeRawBufferPointer(rebasing: file.bytes.prefix(starts.min() ?? 0)))
    }
  }
}

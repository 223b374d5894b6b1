import DeRaPlatform

/// Writes a text under its name once it is complete.
/// - Throws: `FileError` when it cannot be written.
package func writeFile(_ text: String, _ path: String) throws(FileError) {
  let file = try AtomicFile(path: path)
  var text = text
  var failure: FileError?
  text.withUTF8 { bytes in
    do throws(FileError) { try file.write(UnsafeRawBufferPointer(bytes)) } catch { failure = error }
  }
  if let failure { throw failure }
  try file.commit()
}

/// A text read of a file or pipe.
/// - Parameter path: where the bytes come from, for the error.
/// - Throws: `FileError.notText` naming the first byte that is not valid UTF-8.
package func utf8Text(_ bytes: UnsafeRawBufferPointer, path: String) throws(FileError) -> String {
  if let text = String(validating: bytes, as: UTF8.self) { return text }
  var iterator = bytes.makeIterator()
  var decoder = UTF8()
  var position = 0
  while case .scalarValue(let scalar) = decoder.decode(&iterator) { position += UTF8.width(scalar) }
  throw .notText(path: path, position: position)
}

/// The same of an array.
package func utf8Text(_ bytes: [UInt8], path: String) throws(FileError) -> String {
  let result = bytes.withUnsafeBytes { buffer in
    Result { () throws(FileError) in try utf8Text(buffer, path: path) }
  }
  return try result.get()
}

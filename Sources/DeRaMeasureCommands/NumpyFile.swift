import DeRaPlatform

/// Writes a float32 array in NumPy's format 1.0 (`numpy.lib.format`), row-major, atomically.
package struct NumpyFile {
  private let file: AtomicFile

  /// - Throws: `FileError` when the file cannot be made.
  package init(path: String, shape: [Int]) throws {
    file = try AtomicFile(path: path)
    try Self.header(shape: shape).withUnsafeBytes { try file.write($0) }
  }

  /// Appends values in C order.
  package func append(_ values: UnsafeBufferPointer<Float>) throws(FileError) {
    try file.write(UnsafeRawBufferPointer(values))
  }

  package func commit() throws(FileError) { try file.commit() }

  /// Magic, version, header length and the dictionary, padded with spaces so that the data starts on 64 bytes.
  package static func header(shape: [Int]) -> [UInt8] {
    let tuple = shape.count == 1 ? "(\(shape[0]),)" : "(\(shape.map(String.init).joined(separator: ", ")))"
    var text = "{'descr': '<f4', 'fortran_order': False, 'shape': \(tuple), }"
    text += String(repeating: " ", count: 63 - (10 + text.utf8.count) % 64) + "\n"
    let length = text.utf8.count
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + text.utf8
  }
}

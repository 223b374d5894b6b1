import DeRaMeasureCommands
import Testing

@Suite struct NumpyFileTests {
  /// The expected bytes are those that `numpy.lib.format.write_array_header_1_0` writes for the shape (3, 5, 100).
  @Test func headersAreNumpys() {
    let header = NumpyFile.header(shape: [3, 5, 100])
    #expect(header.count == 128)
    #expect(Array(header.prefix(10)) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, 118, 0])
    let text = String(decoding: header.dropFirst(10), as: UTF8.self)
    #expect(text.hasPrefix("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 5, 100), } "))
    #expect(text.hasSuffix(" \n"))
    #expect(NumpyFile.header(shape: [7]).count % 64 == 0)
    #expect(String(decoding: NumpyFile.header(shape: [7]), as: UTF8.self).contains("(7,)"))
  }
}

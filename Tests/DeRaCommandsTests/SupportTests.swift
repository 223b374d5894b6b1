import DeRaCommands
import DeRaConsole
import DeRaEvaluation
import DeRaText
import Testing

@Suite struct SupportTests {
  /// The expected bytes are those that `numpy.lib.format.write_array_header_1_0` writes for the shape (3, 5, 100).
  @Test func numpyHeaders() {
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

@Suite struct MemoryOptionTests {
  @Test func packingSaysWhenItIsPointless() {
    let good = PackReport(path: "a", bundleBytes: 1000, packedBytes: 880)
    #expect(good.text == "a: 1.0 kB packed into 880 B, 12.0 % saved")
    let poor = PackReport(path: "a", bundleBytes: 1000, packedBytes: 1010)
    #expect(poor.text.hasPrefix("a: 1.0 kB packed into 1.0 kB, -1.0 % saved\nThat is little"))
  }
}

@Suite struct PromptInputTests {
  /// llama.cpp takes a prompt from a file in the same way.
  @Test(arguments: [
    ("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), ("\n", ""), ("a", "a"), ("", ""), ("a\r", "a\r"), ("a \n", "a "),
  ])
  func oneNewlineAtTheEndIsLeftOut(_ given: String, _ prompt: String) {
    #expect(Input.withoutFinalNewline(given) == prompt)
  }
}

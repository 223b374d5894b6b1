import DeRaCommands
import DeRaConsole
import DeRaText
import Testing

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

import DeRaCheckpoints
import DeRaTestSupport
import DeRaTokenization
import Testing

/// Each fixture, from the file to the ids, equals what Hugging Face `tokenizers` (SentencePiece for a bare
/// `tokenizer.model`) makes of 2,200 lines.
@Suite struct TokenizerFixtureTests {
  @Test(arguments: [
    "gpt2", "smollm2", "llama3", "qwen2", "olmo2", "flags", "llama2", "mistral", "gemma", "sentencepiece",
    "sentencepiece-trimmed", "split-removed", "split-isolated", "split-merged-with-previous",
    "split-merged-with-next", "split-contiguous", "metaspace",
  ])
  func equalsTheOracle(_ name: String) throws {
    let directory = "\(TokenizerFixture.directory)/\(name)"
    let tokenizer = try tokenizer(name)
    // SentencePiece itself does not recognise control tokens in text.
    try TokenizerFixture.check(
      tokenizer, against: TokenizerFixture.expectations(path: "\(directory)/expected.bin"),
      parseSpecial: !name.hasPrefix("sentencepiece"))
  }

  /// The bound holds for texts of the fewest tokens: long pieces, and characters that normalisation makes shorter.
  @Test(arguments: [
    ("gpt2", true), ("smollm2", true), ("llama3", true), ("qwen2", true), ("olmo2", false), ("llama2", true),
    ("mistral", true), ("gemma", true), ("sentencepiece", true), ("split-removed", false), ("flags", false),
  ])
  func noTextHasFewerTokensThanItsLengthSays(_ name: String, isBounded: Bool) throws {
    let tokenizer = try tokenizer(name)
    #expect((tokenizer.leastTokens(bytes: 1 << 28) > 0) == isBounded)
    let pieces = (0..<Int32(tokenizer.vocabularySize)).map { tokenizer.piece(of: $0) }
    let longest =
      pieces.sorted { $0.count > $1.count }.prefix(5)
      + ["ᾂ\u{212A}", "α\u{313}\u{300}\u{345}", " "].map { Array($0.utf8) }
    for piece in longest {
      let text = String(decoding: Array(repeatElement(piece, count: 30).joined()), as: UTF8.self)
      let ids = try tokenizer.encode(text, addSpecial: false)
      #expect(tokenizer.leastTokens(bytes: text.utf8.count) <= ids.count, "\(text.prefix(40))")
    }
  }

  private func tokenizer(_ name: String) throws -> Tokenizer {
    let directory = "\(TokenizerFixture.directory)/\(name)"
    let copy = try TemporaryDirectory()
    try copy.copy(directory)
    // A class that leaves the space before a text to the model file; without any, a vocabulary is Llama's, as in GGUF.
    if name.hasPrefix("sentencepiece") {
      try copy.write("tokenizer_config.json", #"{"tokenizer_class": "T5Tokenizer"}"#)
    }
    let definition = try #require(try HuggingFaceTokenizer.read(directory: copy.path))
    return try Tokenizer(image: definition.compiled())
  }
}

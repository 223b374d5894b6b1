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
    let copy = try TemporaryDirectory()
    try copy.copy(directory)
    // A class that leaves the space before a text to the model file; without any, a vocabulary is Llama's, as in GGUF.
    if name.hasPrefix("sentencepiece") {
      try copy.write("tokenizer_config.json", #"{"tokenizer_class": "T5Tokenizer"}"#)
    }
    let definition = try #require(try HuggingFaceTokenizer.read(directory: copy.path))
    let tokenizer = try Tokenizer(image: definition.compiled())
    // SentencePiece itself does not recognise control tokens in text.
    try TokenizerFixture.check(
      tokenizer, against: TokenizerFixture.expectations(path: "\(directory)/expected.bin"),
      parseSpecial: !name.hasPrefix("sentencepiece"))
  }
}

import DeRaCheckpoints
import DeRaTestSupport
import DeRaTokenization
import Testing

/// The effect of the files beside `tokenizer.json`.
@Suite struct TokenizerFactsTests {
  private let directory: TemporaryDirectory

  init() throws {
    directory = try TemporaryDirectory()
    let json = """
      {"added_tokens": [{"id": 3, "content": "<s>", "special": true, "normalized": false}],
       "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false},
       "post_processor": {"type": "TemplateProcessing",
         "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
         "special_tokens": {"<s>": {"id": "<s>", "ids": [3], "tokens": ["<s>"]}}},
       "decoder": {"type": "ByteLevel"},
       "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2, "<e>": 4}, "merges": ["a b"]}}
      """
    try directory.write("tokenizer.json", Array(json.utf8))
  }

  private func tokenizer(config: String? = nil, map: String? = nil) throws -> Tokenizer {
    if let config { try directory.write("tokenizer_config.json", Array(config.utf8)) }
    if let map { try directory.write("special_tokens_map.json", Array(map.utf8)) }
    let definition = try #require(try HuggingFaceTokenizer.read(directory: directory.path))
    return try Tokenizer(image: definition.compiled())
  }

  @Test func theTemplateDecidesAlone() throws {
    let tokenizer = try tokenizer()
    #expect(try tokenizer.encode("ab", addSpecial: true) == [3, 2])
    #expect(tokenizer.bosID == nil)
  }

  /// transformers 5 drops the flags where there is a tokenizer.json.
  @Test func flagsDoNotReplaceTheTemplate() throws {
    let both = try tokenizer(
      config: #"{"bos_token": {"content": "<s>"}, "eos_token": "<e>", "add_bos_token": true, "add_eos_token": true}"#)
    #expect(try both.encode("ab", addSpecial: true) == [3, 2])
    #expect(both.bosID == 3 && both.eosID == 4)
    let none = try tokenizer(config: #"{"bos_token": "<s>", "add_bos_token": false}"#)
    #expect(try none.encode("ab", addSpecial: true) == [3, 2])
  }

  /// A named token of the vocabulary becomes special.
  @Test func namedTokensAreRecognised() throws {
    #expect(try tokenizer().encode("a<e>", addSpecial: false) == [0])
    let named = try tokenizer(map: #"{"eos_token": "<e>", "pad_token": "nonesuch"}"#)
    #expect(try named.encode("a<e>", addSpecial: false) == [0, 4])
    #expect(named.isSpecial(4) && named.padID == nil)
    let listed = try tokenizer(map: #"{"additional_special_tokens": ["<e>", {"content": "<s>"}]}"#)
    #expect(listed.isSpecial(4))
  }

  @Test func missingAddedTokens() throws {
    let tokenizer = try tokenizer(
      config: #"""
        {"added_tokens_decoder": {"3": {"content": "<s>", "special": false},
                                  "7": {"content": "<x>", "special": true, "rstrip": true}}}
        """#)
    #expect(try tokenizer.encode("<x>  a<s>", addSpecial: false) == [7, 0, 3])
    #expect(tokenizer.isSpecial(3) && tokenizer.vocabularySize == 8)
  }

  @Test(arguments: [
    #"{"added_tokens_decoder": {"x": {"content": "<x>"}}}"#, #"{"added_tokens_decoder": {"3": {"content": "<x>"}}}"#,
    #"{"bos_token": 7}"#, #"{"add_bos_token": "yes"}"#, #"{"#, #"{"additional_special_tokens": 1}"#,
  ])
  func malformed(_ config: String) throws {
    #expect(throws: CheckpointError.self) { try tokenizer(config: config) }
  }
}

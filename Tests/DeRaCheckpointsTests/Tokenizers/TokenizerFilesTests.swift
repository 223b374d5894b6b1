import DeRaCheckpoints
import DeRaTokenization
import FoundationEssentials
import Testing

/// The files and settings beside a vocabulary. classes.json is what transformers makes of them.
@Suite struct TokenizerFilesTests {
  private struct Cases: Decodable {
    struct Model: Decodable {
      let config: JSONText
      let ids: [[Int32]]
      init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        config = try container.decode(JSONText.self)
        ids = try container.decode([[Int32]].self)
      }
    }
    struct Processed: Decodable {
      let processor: JSONText
      let config: JSONText
      let ids: [Int32]
      init(from decoder: any Decoder) throws {
        var container = try decoder.unkeyedContainer()
        processor = try container.decode(JSONText.self)
        config = try container.decode(JSONText.self)
        ids = try container.decode([Int32].self)
      }
    }
    let texts: [String]
    let model: [Model]
    let json: [Processed]
    let prefix: [Processed]
  }

  /// A JSON value, written again.
  private struct JSONText: Decodable, CustomStringConvertible {
    let description: String
    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if container.decodeNil() {
        description = "null"
      } else if let value = try? container.decode(Bool.self) {
        description = "\(value)"
      } else if let value = try? container.decode(Int.self) {
        description = "\(value)"
      } else if let value = try? container.decode(String.self) {
        description = value.debugDescription
      } else if let value = try? container.decode([JSONText].self) {
        description = "[\(value.map(\.description).joined(separator: ","))]"
      } else {
        let members = try container.decode([String: JSONText].self)
        description = "{\(members.map { "\($0.key.debugDescription):\($0.value)" }.joined(separator: ","))}"
      }
    }
  }

  private let directory: TokenizerTestDirectory
  private let cases: Cases

  init() throws {
    directory = try TokenizerTestDirectory()
    let path = "\(TokenizerFixture.directory)/classes.json"
    cases = try JSONDecoder().decode(Cases.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }

  private func write(_ text: String, _ name: String) throws { try directory.write(Array(text.utf8), as: name) }

  private func tokenizer() throws -> Tokenizer {
    let definition = try #require(try HuggingFaceTokenizer.read(directory: directory.path))
    return try Tokenizer(image: definition.compiled())
  }

  @Test func settingsBesideAModel() throws {
    let model = "\(TokenizerFixture.directory)/sentencepiece/tokenizer.model"
    try directory.write(Array(Data(contentsOf: URL(fileURLWithPath: model))), as: "tokenizer.model")
    #expect(cases.model.count == 36)
    for expected in cases.model {
      try write(expected.config.description, "tokenizer_config.json")
      let tokenizer = try tokenizer()
      for (text, ids) in zip(cases.texts, expected.ids) {
        #expect(try tokenizer.encode(text, addSpecial: false) == ids, "\(expected.config) \(text.debugDescription)")
      }
    }
  }

  /// The characters of ByteLevel's alphabet in the order of their code points, as the generator numbers them.
  private static var vocabulary: String {
    let pieces = (UInt8.min...UInt8.max).map { ByteAlphabet.encode([$0]) }
      .sorted { $0.unicodeScalars.first?.value ?? 0 < $1.unicodeScalars.first?.value ?? 0 }
    return
      "{\(pieces.enumerated().map { "\($1 == "\"" || $1 == "\\" ? "\"\\\($1)\"" : "\"\($1)\""):\($0)" }.joined(separator: ","))}"
  }

  private static func json(_ processor: String, addsPrefixSpace: String) -> String {
    """
    {"added_tokens": [{"id": 256, "content": "<s>", "special": true}, {"id": 257, "content": "</s>", "special": true}],
     "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": \(addsPrefixSpace)}, "post_processor": \(processor),
     "decoder": {"type": "ByteLevel"}, "model": {"type": "BPE", "vocab": \(vocabulary), "merges": []}}
    """
  }

  @Test func flagsBesideAPostProcessor() throws {
    #expect(cases.json.count == 64)
    for expected in cases.json {
      try write(Self.json(expected.processor.description, addsPrefixSpace: "false"), "tokenizer.json")
      try write(expected.config.description, "tokenizer_config.json")
      #expect(try tokenizer().encode("a", addSpecial: true) == expected.ids, "\(expected.processor) \(expected.config)")
    }
  }

  @Test func prefixSpaces() throws {
    #expect(cases.prefix.count == 30)
    for expected in cases.prefix {
      try write(Self.json("null", addsPrefixSpace: expected.processor.description), "tokenizer.json")
      try write(expected.config.description, "tokenizer_config.json")
      #expect(
        try tokenizer().encode("ab", addSpecial: false) == expected.ids, "\(expected.processor) \(expected.config)")
    }
  }

  /// A flag that is missing leaves what the model file says.
  @Test func flagsBesideAModel() throws {
    let model = "\(TokenizerFixture.directory)/sentencepiece/tokenizer.model"
    try directory.write(Array(Data(contentsOf: URL(fileURLWithPath: model))), as: "tokenizer.model")
    for (config, first, last) in [
      ("{}", 1, nil), (#"{"add_eos_token": false}"#, 1, nil), (#"{"add_eos_token": true}"#, 1, 2),
      (#"{"add_bos_token": false}"#, nil, nil), (#"{"add_bos_token": null, "add_eos_token": true}"#, 1, 2),
    ] as [(String, Int32?, Int32?)] {
      try write(config, "tokenizer_config.json")
      #expect(try tokenizer().prefixIDs == [first].compactMap(\.self), "\(config)")
      #expect(try tokenizer().suffixIDs == [last].compactMap(\.self), "\(config)")
    }
  }

  @Test func vocabularyAndMerges() throws {
    var pieces = Self.vocabulary.dropLast()
    pieces += #","ab":256,"Ġab":257}"#
    try write(String(pieces), "vocab.json")
    try write("#version: 0.2\na b\r\nĠ ab\n", "merges.txt")
    #expect(try tokenizer().encode("ab ab1", addSpecial: false).prefix(2) == [256, 257])
    // Qwen2's split keeps a letter with the punctuation before it; GPT-2's does not.
    let text = ".ab"
    #expect(try tokenizer().encode(text, addSpecial: false).last == 256)
    try write(#"{"tokenizer_class": "Qwen2Tokenizer", "eos_token": "ab"}"#, "tokenizer_config.json")
    #expect(try tokenizer().eosID == 256)
    try write("a b c\n", "merges.txt")
    #expect(throws: CheckpointError.self) { try tokenizer() }
  }

  @Test func addedTokens() throws {
    try write(Self.json("null", addsPrefixSpace: "false"), "tokenizer.json")
    try write(#"{"<|im_end|>": 300, "<s>": 256, "<t>": 301}"#, "added_tokens.json")
    try write(#"{"eos_token": "<|im_end|>"}"#, "special_tokens_map.json")
    let tokenizer = try tokenizer()
    #expect(try tokenizer.encode("<|im_end|><t>", addSpecial: false) == [300, 301])
    #expect(tokenizer.eosID == 300 && tokenizer.isSpecial(300) && !tokenizer.isSpecial(301))
    for bad in [#"{"<t>": 256}"#, #"{"<t>": -1}"#, #"{"<t>": 5}"#, "[]"] {
      try write(bad, "added_tokens.json")
      #expect(throws: CheckpointError.self, "\(bad)") { try self.tokenizer() }
    }
  }

  /// How an added token is looked for, `tokenizer_config.json` has the last word on.
  @Test func flagsOfAddedTokens() throws {
    try write(Self.json("null", addsPrefixSpace: "false"), "tokenizer.json")
    try write(
      #"{"added_tokens_decoder": {"256": {"content": "<s>", "special": true, "lstrip": true, "rstrip": true}}}"#,
      "tokenizer_config.json")
    #expect(try tokenizer().encode(" <s> ", addSpecial: false) == [256])
  }
}

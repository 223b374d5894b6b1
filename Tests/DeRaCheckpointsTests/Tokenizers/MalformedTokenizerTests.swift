import DeRaCheckpoints
import DeRaTestSupport
import DeRaTokenization
import Testing

/// Untrusted tokenizer files are refused with an error that names the place; nothing crashes.
@Suite struct MalformedTokenizerTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private static let good = """
    {"added_tokens": [{"id": 3, "content": "<s>", "special": true}],
     "normalizer": null,
     "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
     "post_processor": {"type": "ByteLevel"},
     "decoder": {"type": "ByteLevel"},
     "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}}
    """

  private func read(_ json: String) throws -> TokenizerDefinition {
    try HuggingFaceTokenizer.read(tokenizer: directory.write("tokenizer.json", Array(json.utf8)))
  }

  @Test func theGoodOne() throws {
    let tokenizer = try Tokenizer(image: read(Self.good).compiled())
    #expect(try tokenizer.encode("ab<s>ba", addSpecial: false) == [2, 3, 1, 0])
  }

  /// `old` becomes `new`; the error must contain `message`.
  @Test(arguments: [
    (#""ab": 2"#, #""ab": -2"#, "ab"),
    (#""ab": 2"#, #""ab": 1e99"#, "ab"),
    (#""ab": 2"#, #""ab": "x""#, "token id"),
    (#""ab": 2"#, #""ab": 2, "a": 5"#, "byte"),
    (#""a b""#, #""a c""#, "does not have"),
    (#""a b""#, #""b a""#, "does not have"),
    (#""a b""#, #""a b c""#, "two pieces"),
    (#""a b""#, #"["a"]"#, "two pieces"),
    (#""a b""#, #"7"#, "two pieces"),
    (#""type": "BPE""#, #""type": "Unigram""#, "Unigram"),
    (#""merges""#, #""dropout": 0.1, "merges""#, "dropout"),
    (#""merges""#, #""end_of_word_suffix": "</w>", "merges""#, "markers"),
    (#""normalizer": null"#, #""normalizer": {"type": "NFKC"}"#, "NFKC"),
    (#""normalizer": null"#, #""normalizer": {"type": "Sequence"}"#, "normalizers"),
    (#""pre_tokenizer": {"#, #""pre_tokenizer": {"type": "BertPreTokenizer"}, "x": {"#, "BertPreTokenizer"),
    (#""decoder": {"#, #""decoder": {"type": "WordPiece"}, "y": {"#, "WordPiece"),
    (
      #""type": "ByteLevel", "add_prefix_space": false, "use_regex": true"#,
      #""type": "Split", "pattern": {"String": "x"}, "behavior": "Isolated""#, "no such pre-tokenizer"
    ),
    (#""post_processor": {"#, #""post_processor": {"type": "BertProcessing"}, "z": {"#, "BertProcessing"),
    (#""content": "<s>""#, #""content": 7"#, "a string"),
    (#""content": "<s>""#, #""content": "a""#, "differs"),
    (#""id": 3"#, #""id": 3000000000"#, "token id"),
    (#""model""#, #""modell""#, "vocab"),
  ])
  func malformedJSON(_ old: String, _ new: String, _ message: String) throws {
    let json = Self.good.split(separator: old, omittingEmptySubsequences: false).joined(separator: new)
    #expect(json != Self.good)
    let error = #expect(throws: CheckpointError.self) { try read(json) }
    #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
  }

  @Test(arguments: [(#""ab": 2"#, #""ab": 99999999"#), (#""ab": 2"#, #""ab": 1"#), (#""id": 3"#, #""id": 99999999"#)])
  func idsThatDoNotCompile(_ old: String, _ new: String) throws {
    let json = Self.good.split(separator: old, omittingEmptySubsequences: false).joined(separator: new)
    let definition = try read(json)
    #expect(throws: TokenizerError.self) { try definition.compiled() }
  }

  @Test func nestedSequences() throws {
    var step = #"{"type": "NFC"}"#
    for _ in 0..<20 { step = #"{"type": "Sequence", "normalizers": [\#(step)]}"# }
    let json = Self.good.split(separator: #""normalizer": null"#).joined(separator: #""normalizer": \#(step)"#)
    let error = #expect(throws: CheckpointError.self) { try read(json) }
    #expect(error?.description.contains("nested") == true)
  }

  @Test func truncatedJSON() throws {
    let bytes = Array(Self.good.utf8)
    for count in 0..<bytes.count {
      let path = try directory.write("tokenizer.json", Array(bytes.prefix(count)))
      #expect(throws: CheckpointError.self) { try HuggingFaceTokenizer.read(tokenizer: path) }
    }
  }

  @Test func noTokenizerFile() throws {
    #expect(try HuggingFaceTokenizer.read(directory: directory.path) == nil)
  }

  // A BPE model of the pieces <unk>, a, b, ab, in the wire format.
  private static func model(type: UInt8 = 2, normalizer: [UInt8] = []) -> [UInt8] {
    func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(bytes.count)] + bytes }
    func piece(_ text: String, _ type: UInt8) -> [UInt8] {
      field(1, field(1, Array(text.utf8)) + [0x15, 0, 0, 0x80, 0xBF, 0x18, type])
    }
    return piece("<unk>", 2) + piece("a", 1) + piece("b", 1) + piece("ab", 1)
      + field(2, [0x18, type, 0xC8, 0x02, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01])
      + field(3, normalizer)
  }

  private func read(model: [UInt8]) throws -> TokenizerDefinition {
    try SentencePieceModel.read(path: directory.write("tokenizer.model", model))
  }

  @Test func theGoodModel() throws {
    let definition = try read(model: Self.model())
    #expect(definition.pieces.count == 4)
    #expect(definition.bosID == nil && definition.eosID == 2 && definition.unknownID == 0)
  }

  @Test func truncatedModel() throws {
    let bytes = Self.model()
    for count in 0..<bytes.count {
      // A cut between two fields leaves a valid, smaller model; anything else is an error. Neither may crash.
      do { _ = try read(model: Array(bytes.prefix(count))).compiled() } catch is CheckpointError {
      } catch is TokenizerError {}
    }
    for count in 1..<12 {
      #expect(throws: CheckpointError.self) { try read(model: Array(bytes.prefix(count))) }
    }
  }

  @Test func damagedModels() throws {
    var random = SeededGenerator(seed: 5)
    let bytes = Self.model()
    for _ in 0..<5000 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        damaged[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      do { _ = try Tokenizer(image: read(model: damaged).compiled()) } catch is CheckpointError {
      } catch is TokenizerError {}
    }
  }

  @Test(arguments: [
    ([UInt8](repeating: 0xFF, count: 12), "ten bytes"), ([0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F], "past the end"),
    ([0x0B], "wire type"), ([0x00, 0x00], "field number"), ([0x0D, 1], "within a number"),
  ])
  func malformedWireFormat(_ bytes: [UInt8], _ message: String) throws {
    let error = #expect(throws: CheckpointError.self) { try read(model: bytes) }
    #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
  }

  @Test func unsupportedModels() throws {
    let unigram = #expect(throws: CheckpointError.self) { try read(model: Self.model(type: 1)) }
    #expect(unigram?.description.contains("unigram") == true)
    let mapped = #expect(throws: CheckpointError.self) { try read(model: Self.model(normalizer: [0x12, 1, 0])) }
    #expect(mapped?.description.contains("normalizer_spec") == true)
  }
}

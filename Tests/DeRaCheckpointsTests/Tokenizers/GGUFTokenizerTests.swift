import DeRaCheckpoints
import DeRaGGUF
import DeRaPlatform
import DeRaTestSupport
import DeRaTokenization
import Testing

/// The same vocabularies as in the JSON fixtures, written as GGUF metadata, give the same ids.
@Suite struct GGUFTokenizerTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func write(_ metadata: [(key: String, value: GGUFValue)]) throws -> GGUFFile {
    let path = directory.file("model.gguf")
    let file = try AtomicFile(path: path)
    var writer = try GGUFWriter(metadata: metadata, tensors: [])
    try writer.writeHeader(to: file)
    try writer.finish()
    try file.commit()
    return try GGUFFile(path: path)
  }

  /// Metadata of a byte-level fixture as llama.cpp's converter writes it.
  private func metadata(of name: String, pre: String) throws -> [(key: String, value: GGUFValue)] {
    let definition = try #require(
      try HuggingFaceTokenizer.read(directory: "\(TokenizerFixture.directory)/\(name)"))
    let count = (definition.pieces.map(\.id) + definition.addedTokens.map(\.id)).reduce(0) { max($0, Int($1) + 1) }
    var tokens = [String](repeating: "", count: count)
    var types = [Int32](repeating: 1, count: count)
    for piece in definition.pieces { tokens[Int(piece.id)] = ByteAlphabet.encode(piece.bytes) }
    for token in definition.addedTokens {
      tokens[Int(token.id)] = String(decoding: token.content, as: UTF8.self)
      types[Int(token.id)] = token.isSpecial ? 3 : 4
    }
    guard case .ranked(let merges) = definition.merges else { return [] }
    return [
      ("general.architecture", .string("llama")), ("tokenizer.ggml.model", .string("gpt2")),
      ("tokenizer.ggml.pre", .string(pre)), ("tokenizer.ggml.tokens", .array(GGUFArray(strings: tokens))),
      ("tokenizer.ggml.token_type", .array(GGUFArray(int32s: types))),
      (
        "tokenizer.ggml.merges",
        .array(GGUFArray(strings: merges.map { "\(tokens[Int($0.left)]) \(tokens[Int($0.right)])" }))
      ),
      ("tokenizer.ggml.add_bos_token", .bool(!definition.prefixIDs.isEmpty)),
    ] + definition.prefixIDs.map { ("tokenizer.ggml.bos_token_id", .uint32(UInt32($0))) }
  }

  @Test(arguments: [("smollm2", "smollm"), ("llama3", "llama-bpe"), ("qwen2", "qwen2")])
  func byteLevelEqualsTheJSON(_ name: String, _ pre: String) throws {
    let file = try write(metadata(of: name, pre: pre))
    let definition = try #require(try GGUFTokenizer.read(file))
    try TokenizerFixture.check(
      Tokenizer(image: definition.compiled()),
      against: TokenizerFixture.expectations(path: "\(TokenizerFixture.directory)/\(name)/expected.bin"))
  }

  /// Oracle: transformers reading the same metadata.
  @Test func sentencePieceEqualsTransformers() throws {
    let source = try SentencePieceModel.read(path: "\(TokenizerFixture.directory)/sentencepiece/tokenizer.model")
    guard case .scored(let scores) = source.merges else { return }
    let types = source.pieces.map { piece -> Int32 in
      if piece.id == 0 { return 2 }
      if piece.bytes == Array("ing".utf8) { return 4 }
      if source.addedTokens.contains(where: { $0.id == piece.id }) { return 3 }
      if case .byte = piece.role { return 6 }
      return 1
    }
    let file = try write([
      ("general.architecture", .string("llama")), ("tokenizer.ggml.model", .string("llama")),
      ("tokenizer.ggml.tokens", .array(GGUFArray(stringBytes: source.pieces.map(\.bytes)))),
      ("tokenizer.ggml.scores", .array(GGUFArray(float32s: scores))),
      ("tokenizer.ggml.token_type", .array(GGUFArray(int32s: types))),
      ("tokenizer.ggml.bos_token_id", .uint32(1)), ("tokenizer.ggml.eos_token_id", .uint32(2)),
      ("tokenizer.ggml.unknown_token_id", .uint32(0)),
    ])
    let definition = try #require(try GGUFTokenizer.read(file))
    try TokenizerFixture.check(
      Tokenizer(image: definition.compiled()),
      against: TokenizerFixture.expectations(
        path: "\(TokenizerFixture.directory)/sentencepiece/expected-gguf.bin"))
  }

  @Test func noTokenizer() throws {
    #expect(try GGUFTokenizer.read(write([("general.architecture", .string("llama"))])) == nil)
  }

  /// Every malformation is refused by name.
  @Test(arguments: [
    ("tokenizer.ggml.model", GGUFValue.string("bert"), "gpt2"),
    ("tokenizer.ggml.pre", .string("nonesuch"), "smollm"),
    ("tokenizer.ggml.tokens", .uint32(3), "tokens"),
    ("tokenizer.ggml.token_type", .array(GGUFArray(int32s: [1, 1])), "2 types"),
    ("tokenizer.ggml.token_type", .string("x"), "no array"),
    ("tokenizer.ggml.token_type", .array(GGUFArray(int32s: [1, 1, 99])), "type 99"),
    ("tokenizer.ggml.merges", .array(GGUFArray(strings: ["a c"])), "vocabulary does not have"),
    ("tokenizer.ggml.merges", .array(GGUFArray(strings: ["ab"])), "not two pieces"),
    ("tokenizer.ggml.eos_token_id", .string("1"), "eos_token_id"),
  ])
  func malformed(_ key: String, _ value: GGUFValue, _ message: String) throws {
    var metadata: [(key: String, value: GGUFValue)] = [
      ("tokenizer.ggml.model", .string("gpt2")), ("tokenizer.ggml.pre", .string("gpt-2")),
      ("tokenizer.ggml.tokens", .array(GGUFArray(strings: ["a", "b", "ab"]))),
      ("tokenizer.ggml.merges", .array(GGUFArray(strings: ["a b"]))),
    ]
    #expect(try GGUFTokenizer.read(write(metadata)) != nil)
    metadata.removeAll { $0.key == key }
    let file = try write(metadata + [(key, value)])
    let error = #expect(throws: CheckpointError.self) { try GGUFTokenizer.read(file) }
    #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
  }

  @Test func scoresThatDoNotFit() throws {
    let file = try write([
      ("tokenizer.ggml.model", .string("llama")), ("tokenizer.ggml.tokens", .array(GGUFArray(strings: ["a", "b"]))),
      ("tokenizer.ggml.scores", .array(GGUFArray(float32s: [0]))),
    ])
    #expect(throws: CheckpointError.self) { try GGUFTokenizer.read(file) }
  }
}

import DeRa
import DeRaChatTemplate
import DeRaCheckpoints
import DeRaCompression
import DeRaGGUF
import DeRaGrammar
import DeRaJSON
import DeRaKernels
import DeRaTokenization

/// A reader of untrusted bytes, fed by libFuzzer: whatever the bytes are, it returns or throws.
struct Reader: Sendable {
  let name: String
  let read: @Sendable (UnsafeRawBufferPointer) throws -> Void

  init(_ name: String, _ read: @escaping @Sendable (UnsafeRawBufferPointer) throws -> Void) {
    self.name = name
    self.read = read
  }

  /// The one that the environment names.
  static let chosen = all.first { $0.name == InputFile.variable("DERA_READER") }

  static let all = [
    Reader("gguf", gguf), Reader("bundle", bundle), Reader("safetensors", safetensors), Reader("json", json),
    Reader("config", config), Reader("adapter", adapter), Reader("tokenizer", tokenizer),
    Reader("sentencepiece", sentencePiece), Reader("image", image), Reader("template", template),
    Reader("split", split), Reader("regex", regex), Reader("schema", schema), Reader("lz4", lz4),
  ]

  private static func gguf(_ bytes: UnsafeRawBufferPointer) throws {
    let path = try InputFile.shared.write(bytes, as: "model.gguf")
    _ = try? GGUFFile.byteCount(ofStart: path)
    let file = try GGUFFile(path: path)
    for (_, value) in file.metadata { if case .array(let array) = value { _ = array.strings } }
    if let definition = try? GGUFTokenizer.read(file) { try use(definition) }
    try use(Checkpoint.open(path: path))
  }

  /// A bundle that opens must also run.
  private static func bundle(_ bytes: UnsafeRawBufferPointer) throws {
    let bundle = try ModelBundle(mapping: InputFile.shared.write(bytes, as: "model.dera"))
    if let tokenizer = bundle.tokenizer { try use(tokenizer) }
    guard bundle.configuration.vocabularySize <= 1 << 16 else { return }
    for codec in [CacheCodec.f16, .int8] {
      let session = try DecodingSession(
        bundle: bundle, contextLength: 8, engine: Engine(pool: ThreadPool(threads: 1)), cacheCodec: codec)
      try session.append([0, 1, 0])
      _ = try session.logits(Realignment(0.5, models: bundle.manifest.models.count - 1))
    }
  }

  private static func safetensors(_ bytes: UnsafeRawBufferPointer) throws {
    let file = try Safetensors(path: InputFile.shared.write(bytes, as: "model.safetensors"))
    for entry in file.entries { _ = try? file.tensor(entry) }
  }

  private static func json(_ bytes: UnsafeRawBufferPointer) throws {
    let value = try JSON.parse(bytes, allowsNonFinite: true)
    _ = value.text
    var members = try JSONMembers(bytes, valueLimit: 1 << 10)
    while try members.next() != nil {}
  }

  /// The other files of the directory are those of a small model.
  private static func config(_ bytes: UnsafeRawBufferPointer) throws {
    _ = try InputFile.shared.write(bytes, as: "config/config.json")
    try use(Checkpoint.open(path: InputFile.shared.folder + "/config"))
  }

  private static func adapter(_ bytes: UnsafeRawBufferPointer) throws {
    _ = try InputFile.shared.write(bytes, as: "adapter/adapter_config.json")
    let base = try Checkpoint.open(path: InputFile.shared.folder + "/model")
    try use(Checkpoint.open(adapter: InputFile.shared.folder + "/adapter", on: base))
  }

  private static func use(_ checkpoint: Checkpoint) throws {
    for tensor in checkpoint.tensors.values where tensor.rows > 0 && tensor.columns <= 1 << 16 {
      let row = UnsafeMutableBufferPointer<Float>.allocate(capacity: tensor.columns)
      defer { row.deallocate() }
      for index in [0, tensor.rows - 1] { try? tensor.read(rows: index..<index + 1, into: row) }
    }
  }

  private static func tokenizer(_ bytes: UnsafeRawBufferPointer) throws {
    _ = try InputFile.shared.write(bytes, as: "tokenizer/tokenizer.json")
    if let definition = try HuggingFaceTokenizer.read(directory: InputFile.shared.folder + "/tokenizer") {
      try use(definition)
    }
  }

  private static func sentencePiece(_ bytes: UnsafeRawBufferPointer) throws {
    try use(SentencePieceModel.read(path: InputFile.shared.write(bytes, as: "tokenizer.model")))
  }

  private static func use(_ definition: TokenizerDefinition) throws {
    let image = try definition.compiled()
    try image.withUnsafeBytes(InputFile.keepSeed)
    try use(Tokenizer(image: image))
  }

  private static func image(_ bytes: UnsafeRawBufferPointer) throws { try use(Tokenizer(image: Array(bytes))) }

  private static func use(_ tokenizer: Tokenizer) throws {
    let ids = try tokenizer.encode("hello <s>  the ab 中😀 1234's </s>\u{301}\n", addSpecial: true)
    _ = tokenizer.decode(ids + [0, 1, 2, 255, .max, -1], skipSpecial: false)
    _ = tokenizer.firstID(from: 3)
  }

  private static func template(_ bytes: UnsafeRawBufferPointer) throws {
    var limits = TemplateLimits()
    (limits.steps, limits.output, limits.allocation) = (100_000, 1 << 16, 1 << 18)
    let template = try ChatTemplate(source: String(decoding: bytes, as: UTF8.self), limits: limits)
    _ = try template.render(
      messages: [
        TemplateMessage(role: "system", content: "Be kind."), TemplateMessage(role: "user", content: " <s>hi "),
        TemplateMessage(role: "assistant", content: "ho"), TemplateMessage(role: "user", content: ""),
      ], addGenerationPrompt: true, variables: ["bos_token": "<s>", "eos_token": "</s>"],
      now: TemplateDate(year: 2024, month: 2, day: 29), limits: limits)
  }

  /// A tokenizer's regular expression: the first line is the pattern, the rest a text.
  private static func split(_ bytes: UnsafeRawBufferPointer) throws {
    let (pattern, text) = lines(bytes)
    if let expression = try? RegularExpression(pattern) { _ = try? expression.isFound(in: text) }
    var definition = TokenizerDefinition(
      kind: .byteLevelBPE, pieces: (0..<256).map { .init(id: $0, bytes: [UInt8($0)]) }, merges: .ranked([]))
    definition.preTokenizer = [.split(.regex(pattern), .isolated, inverted: false)]
    try use(definition)
  }

  /// A form of answers: the first line is the pattern, the rest an answer.
  private static func regex(_ bytes: UnsafeRawBufferPointer) throws {
    let (pattern, text) = lines(bytes)
    try use(Grammar(.regex(pattern)), text: text)
  }

  /// A form of answers: the first line is the schema, the rest an answer.
  private static func schema(_ bytes: UnsafeRawBufferPointer) throws {
    let (schema, text) = lines(bytes)
    try use(Grammar(.jsonSchema(JSON.parse(schema, depthLimit: 32))), text: text)
  }

  private static func lines(_ bytes: UnsafeRawBufferPointer) -> (first: String, rest: String) {
    let parts = bytes.split(separator: 10, maxSplits: 1, omittingEmptySubsequences: false)
    let texts = parts.map { String(decoding: $0, as: UTF8.self) }
    return (texts.first ?? "", texts.count > 1 ? texts[1] : "a b 1's")
  }

  /// All single bytes and some words.
  private static let vocabulary = GrammarVocabulary(size: 261) { id in
    id < 256 ? [UInt8(id)] : Array(["\": ", "true", "12", "{\"", "ab"][Int(id) - 256].utf8)
  }

  private static func use(_ grammar: Grammar, text: String) throws {
    let state = try GrammarState(grammar, vocabulary: vocabulary)
    var mask = [UInt32](repeating: 0, count: vocabulary.wordCount)
    for byte in text.utf8.prefix(64) {
      try mask.withUnsafeMutableBufferPointer { try state.fillMask(into: $0) }
      let isAllowed = mask[Int(byte) / 32] >> UInt32(byte % 32) & 1 == 1
      // Where the text does not fit, the first token that does.
      let next = isAllowed ? Int32(byte) : Int32((0..<261).first { mask[$0 / 32] >> UInt32($0 % 32) & 1 == 1 } ?? -1)
      guard next >= 0 else { return precondition(state.mayEnd, "an answer that can neither go on nor end") }
      try state.advance(next)
    }
  }

  private static func lz4(_ bytes: UnsafeRawBufferPointer) throws {
    var frame: [UInt8] = []
    if InputFile.seeds != nil { try LZ4.compress(bytes, level: 1) { frame += $0 } }
    try frame.withUnsafeBytes(InputFile.keepSeed)
    _ = LZ4.note(of: bytes)
    try LZ4.expand(bytes, limit: 1 << 22) { _ in }
  }
}

import DeRaBundle
import DeRaChatTemplate
import DeRaCheckpoints
import DeRaCompression
import DeRaGGUF
import DeRaJSON
import DeRaPlatform
import DeRaTokenization
import FoundationEssentials

/// A reader of untrusted bytes, fed by libFuzzer: whatever the bytes are, it returns or throws.
struct Reader {
  let name: String
  let read: (UnsafeRawBufferPointer) throws -> Void

  static let all = [
    Reader(name: "gguf", read: gguf), Reader(name: "bundle", read: bundle),
    Reader(name: "safetensors", read: safetensors), Reader(name: "json", read: json),
    Reader(name: "config", read: config), Reader(name: "adapter", read: adapter),
    Reader(name: "tokenizer", read: tokenizer), Reader(name: "sentencepiece", read: sentencePiece),
    Reader(name: "image", read: image), Reader(name: "template", read: template), Reader(name: "regex", read: regex),
    Reader(name: "lz4", read: lz4),
  ]

  private static func gguf(_ bytes: UnsafeRawBufferPointer) throws {
    let path = try InputFile.shared.write(bytes, as: "model.gguf")
    _ = try? GGUFFile.byteCount(ofStart: path)
    let file = try GGUFFile(path: path)
    for (_, value) in file.metadata { if case .array(let array) = value { _ = array.strings } }
    if let definition = try? GGUFTokenizer.read(file) { try use(definition) }
    _ = try Checkpoint.open(path: path)
  }

  private static func bundle(_ bytes: UnsafeRawBufferPointer) throws {
    let file = try GGUFFile(path: InputFile.shared.write(bytes, as: "model.dera"))
    let manifest = try BundleManifest(file: file)
    if manifest.tokenizer != nil, let tensor = file.tensor(named: BundleManifest.tokenizerName) {
      try use(Tokenizer(image: file.bytes(of: tensor), owner: file))
    }
  }

  private static func safetensors(_ bytes: UnsafeRawBufferPointer) throws {
    let file = try Safetensors(path: InputFile.shared.write(bytes, as: "model.safetensors"))
    for entry in file.entries { _ = try? file.tensor(entry) }
  }

  private static func json(_ bytes: UnsafeRawBufferPointer) throws {
    _ = try JSON.parse(String(decoding: bytes, as: UTF8.self))
  }

  /// The other files of the directory are those of a small model.
  private static func config(_ bytes: UnsafeRawBufferPointer) throws {
    _ = try InputFile.shared.write(bytes, as: "config/config.json")
    _ = try Checkpoint.open(path: InputFile.shared.folder + "/config")
  }

  private static func adapter(_ bytes: UnsafeRawBufferPointer) throws {
    _ = try InputFile.shared.write(bytes, as: "adapter/adapter_config.json")
    _ = try Checkpoint.open(
      adapter: InputFile.shared.folder + "/adapter", on: Checkpoint.open(path: InputFile.shared.folder + "/model"))
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
    if let seeds = InputFile.seeds {
      try image.withUnsafeBytes { _ = try InputFile.shared.write($0, to: "\(seeds)/\(image.count)") }
    }
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

  /// The first line is a pattern, the rest a text.
  private static func regex(_ bytes: UnsafeRawBufferPointer) throws {
    let parts = bytes.split(separator: 10, maxSplits: 1, omittingEmptySubsequences: false)
    let pattern = String(decoding: parts[0], as: UTF8.self)
    let text = parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : "a b 1's"
    if let expression = try? RegularExpression(pattern) { _ = try? expression.isFound(in: text) }
    var definition = TokenizerDefinition(
      kind: .byteLevelBPE, pieces: (0..<256).map { .init(id: $0, bytes: [UInt8($0)]) }, merges: .ranked([]))
    definition.preTokenizer = [.split(.regex(pattern), .isolated, inverted: false)]
    try use(definition)
  }

  private static func lz4(_ bytes: UnsafeRawBufferPointer) throws {
    _ = LZ4.note(of: bytes)
    try LZ4.expand(bytes, limit: 1 << 22) { _ in }
  }
}

private let reader: Reader = {
  let name = ProcessInfo.processInfo.environment["DERA_READER"] ?? ""
  guard let reader = Reader.all.first(where: { $0.name == name }) else {
    fatalError("DERA_READER must be one of \(Reader.all.map(\.name).joined(separator: ", "))")
  }
  return reader
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func readOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  try? reader.read(UnsafeRawBufferPointer(start: bytes, count: count))
  return 0
}

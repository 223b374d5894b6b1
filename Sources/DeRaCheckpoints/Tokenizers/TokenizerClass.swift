import DeRaTokenization

/// How `transformers` 5 builds the tokenizers of one class, where `tokenizer_config.json` and not `tokenizer.json` says so.
struct TokenizerClass {
  /// How texts begin that a `tokenizer.model` without more reads.
  enum Prefix {
    /// The rule of the class `LlamaTokenizer`: `add_prefix_space` and `legacy`.
    case metaspace
    /// The rule of the model file itself, with a space before every stretch of text unless `legacy` is false.
    case model
    case none
  }

  let names: Set<String>
  var prefix = Prefix.model
  /// `add_prefix_space` decides for the byte-level pre-tokenizer, false where it is missing; nil where the file's own counts.
  var defaultPrefixSpace: Bool?
  /// The split of `vocab.json` and `merges.txt`, by llama.cpp's name; nil where the class says nothing.
  var splitName: String?

  private static let all = [
    TokenizerClass(names: ["LlamaTokenizer", "CodeLlamaTokenizer"], prefix: .metaspace),
    TokenizerClass(names: ["GemmaTokenizer"], prefix: .none),
    TokenizerClass(names: ["Qwen2Tokenizer"], defaultPrefixSpace: false, splitName: "qwen2"),
    TokenizerClass(
      names: ["GPT2Tokenizer", "CodeGenTokenizer", "GPTNeoXTokenizer", "RobertaTokenizer"], defaultPrefixSpace: false,
      splitName: "gpt-2"),
  ]

  /// The class by its name, with or without `Fast` at the end.
  static func named(_ name: String?) -> TokenizerClass? {
    guard let name else { return nil }
    let stem = name.hasSuffix("Fast") ? String(name.dropLast(4)) : name
    return all.first { $0.names.contains(stem) }
  }
}

/// The settings of `tokenizer_config.json` that change how text is read.
struct TokenizerSettings {
  let className: String?
  let isLegacy: Bool?
  let addsPrefixSpace: Bool?

  /// - Throws: `CheckpointError` naming a field of the wrong type.
  init(_ config: TokenizerField?) throws(CheckpointError) {
    func flag(_ name: String) throws(CheckpointError) -> Bool? {
      guard let field = config?[name], !field.isNull else { return nil }
      return try field.bool(default: false)
    }
    className = config?["tokenizer_class"].value.string
    isLegacy = try flag("legacy")
    addsPrefixSpace = try flag("add_prefix_space")
  }

  var tokenizerClass: TokenizerClass? { TokenizerClass.named(className) }

  /// Whether the byte-level pre-tokenizer puts a space before a text; nil where its own file decides.
  var byteLevelPrefixSpace: Bool? { tokenizerClass?.defaultPrefixSpace.map { addsPrefixSpace ?? $0 } }
}

extension SentencePieceVocabulary {
  /// Takes what the tokenizer's class and its settings say of the space before a text. Without any file beside the model the
  /// vocabulary is Llama's, as it is in GGUF.
  mutating func apply(_ settings: TokenizerSettings) {
    switch settings.tokenizerClass?.prefix ?? (settings.className == nil ? .metaspace : .model) {
    case .metaspace:
      // Without a class, a model that adds no space (Gemma's) is taken at its word.
      addsSpacePrefix = settings.addsPrefixSpace ?? (settings.className == nil ? addsSpacePrefix : true)
      prefixesOnlyWords = true
      prefixesEveryStretch = settings.isLegacy ?? false
      removesExtraSpaces = settings.className == nil && removesExtraSpaces
    case .model:
      prefixesOnlyWords = settings.isLegacy == false
      prefixesEveryStretch = settings.isLegacy != false
    case .none:
      addsSpacePrefix = false
      removesExtraSpaces = false
    }
  }
}

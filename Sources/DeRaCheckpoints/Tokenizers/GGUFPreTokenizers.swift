import DeRaTokenization

/// How texts are split for one value of `tokenizer.ggml.pre`.
struct GGUFPreTokenizer {
  let names: [String]
  var normalizer: [TextStep] = []
  let steps: [TextStep]
  var ignoresMerges = false
  /// Whether begin-of-sequence is added where the file does not say.
  var addsBOS = false

  /// The names are llama.cpp's; the splits are those of the models' own `tokenizer.json`.
  static let all = [
    GGUFPreTokenizer(names: ["default", "gpt-2", "olmo", "phi-2"], steps: byteLevel),
    GGUFPreTokenizer(names: ["smollm", "starcoder"], steps: [.digits(individual: true)] + byteLevel),
    GGUFPreTokenizer(
      names: ["llama-bpe", "llama3", "llama-v3", "falcon3"], steps: split(llama3Pattern), ignoresMerges: true,
      addsBOS: true),
    GGUFPreTokenizer(names: ["dbrx", "olmo2", "smaug-bpe"], steps: split(llama3Pattern)),
    GGUFPreTokenizer(
      names: ["qwen2", "deepseek-r1-qwen"], normalizer: [.composed], steps: split(qwen2Pattern)),
  ]

  static func named(_ name: String) -> GGUFPreTokenizer? { all.first { $0.names.contains(name) } }

  private static let byteLevel = TextStep.byteLevel(addPrefixSpace: false, usesRegex: true)
  private static func split(_ pattern: String) -> [TextStep] { [.split(.regex(pattern), .isolated, inverted: false)] }

  private static let llama3Pattern =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"#
    + #"\s+(?!\S)|\s+"#
  private static let qwen2Pattern =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"#
    + #"\s+(?!\S)|\s+"#
}

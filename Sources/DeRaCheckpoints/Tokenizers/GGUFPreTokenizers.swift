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
    GGUFPreTokenizer(names: ["gpt-2", "olmo", "phi-2"], steps: byteLevel),
    GGUFPreTokenizer(names: [unnamed], steps: defaultPatterns.flatMap(split)),
    GGUFPreTokenizer(names: ["smollm", "starcoder"], steps: [.digits(individual: true)] + byteLevel),
    GGUFPreTokenizer(
      names: ["llama-bpe", "llama3", "llama-v3", "falcon3"], steps: split(llama3Pattern), ignoresMerges: true,
      addsBOS: true),
    GGUFPreTokenizer(names: ["dbrx", "olmo2", "smaug-bpe"], steps: split(llama3Pattern)),
    GGUFPreTokenizer(
      names: ["qwen2", "deepseek-r1-qwen"], normalizer: [.composed], steps: split(qwen2Pattern)),
  ]

  /// The name of a file that does not know.
  static let unnamed = "default"

  /// Tokens at ids where only one family has them. GGUF files from before `tokenizer.ggml.pre` are known by these.
  private static let signatures: [(name: String, token: String, id: Int)] = [
    ("llama-bpe", "<|begin_of_text|>", 128_000), ("qwen2", "<|endoftext|>", 151_643),
    ("dbrx", "<|endoftext|>", 100_257), ("gpt-2", "<|endoftext|>", 50_256), ("smollm", "<repo_name>", 3),
    ("smollm", "<reponame>", 2),
  ]

  /// The name that a vocabulary gives away.
  static func name(recognizing token: (Int) -> String?) -> String? {
    signatures.first { token($0.id) == $0.token }?.name
  }

  static func named(_ name: String) -> GGUFPreTokenizer? { all.first { $0.names.contains(name) } }

  private static let byteLevel = TextStep.byteLevel(addPrefixSpace: false, usesRegex: true)
  private static func split(_ pattern: String) -> [TextStep] { [.split(.regex(pattern), .isolated, inverted: false)] }

  /// The patterns that llama.cpp splits by, one after the other, where a file names none.
  /// Source: llama.cpp, `llm_tokenizer_bpe`, the default case.
  private static let defaultPatterns = [
    #"[\p{P}\$\+<=>\^~\|]+"#, #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"#, #"\p{N}+"#,
    "[0-9][0-9][0-9]",
  ]

  private static let llama3Pattern =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"#
    + #"\s+(?!\S)|\s+"#
  private static let qwen2Pattern =
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"#
    + #"\s+(?!\S)|\s+"#
}

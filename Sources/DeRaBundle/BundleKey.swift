import DeRaModelSpec

/// The metadata keys of a bundle; those of a model's hyper-parameters are GGUF's.
enum BundleKey {
  static let architecture = "general.architecture"
  static let name = "general.name"
  static let chatTemplate = "tokenizer.chat_template"

  static let version = "dera.version"
  static let models = "dera.models"
  static let provenance = "dera.provenance"
  static let endOfTextIDs = "dera.end_of_text_ids"
  static let tiedEmbeddings = "dera.tied_embeddings"
  static let attentionScale = "dera.attention_scale"
  /// Absent for int8.
  static let activations = "dera.activations"
  static let embeddingScale = "dera.embedding_scale"
  static let layerSlides = "dera.layer_slides"
  static let tokenizerChecksum = "dera.tokenizer.sha256"
  static let rope = RopeKeys(prefix: "dera.rope")
  static let slidingRope = RopeKeys(prefix: "dera.rope_sliding")
  static let tensorNames = "dera.tensor.names"
  static let tensorCodecs = "dera.tensor.codecs"
  static let tensorRows = "dera.tensor.rows"
  static let tensorColumns = "dera.tensor.columns"
  static let tensorChecksums = "dera.tensor.sha256"
  static let tensorTables = "dera.tensor.tables"

  struct RopeKeys {
    let prefix: String
    var theta: String { "\(prefix).theta" }
    var inverseFrequencies: String { "\(prefix).inverse_frequencies" }
    var magnitude: String { "\(prefix).magnitude" }
  }
}

/// The integers of a configuration, with the keys GGUF gives them after the architecture's name.
let integerFields: [(suffix: String, field: WritableKeyPath<ModelConfiguration, Int> & Sendable)] = [
  ("vocab_size", \.vocabularySize),
  ("embedding_length", \.hiddenSize),
  ("block_count", \.layers),
  ("attention.head_count", \.heads),
  ("attention.head_count_kv", \.kvHeads),
  ("attention.key_length", \.headDim),
  ("feed_forward_length", \.feedForwardSize),
  ("context_length", \.contextLength),
]

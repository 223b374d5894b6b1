import DeRaGGUF
import DeRaModelSpec
import DeRaTokenization

/// A model on disk, whatever its format, in one convention: everything is validated, nothing but headers is read yet.
package struct Checkpoint: Sendable {
  package var configuration: ModelConfiguration
  /// Tensors by our (GGUF) names: exactly those of `configuration.tensors`, with the shapes given there.
  package var tensors: [String: any TensorSource]
  package var tokenizer: TokenizerDefinition?
  /// The model's own Jinja chat template.
  package var chatTemplate: String?
  /// Ids that end an answer, without repetition, in the order found.
  package var endOfTextIDs: [Int]
  /// Paths of the files read, for provenance.
  package var sources: [String]
  package var displayName: String
  /// The name in the model's own configuration, perhaps a repository's.
  package var originName: String?
  /// Tags of its model card, in lower case; trainers leave the name of their method there (`dpo`, `orpo`).
  package var tags: [String] = []
  /// The additions of an adapter to the base's matrices, by our names. `tensors` have them merged in; where a
  /// matrix changes in another way (DoRA, a whole matrix replaced) they alone know.
  package var updates: [String: LowRankUpdate] = [:]
  /// Sentences on what was read, ignored and guessed, and what is odd.
  package var remarks: [CheckpointRemark] = []

  package init(
    configuration: ModelConfiguration, tensors: [String: any TensorSource], tokenizer: TokenizerDefinition? = nil,
    chatTemplate: String? = nil, endOfTextIDs: [Int] = [], sources: [String], displayName: String
  ) {
    self.configuration = configuration
    self.tensors = tensors
    self.tokenizer = tokenizer
    self.chatTemplate = chatTemplate
    self.endOfTextIDs = endOfTextIDs
    self.sources = sources
    self.displayName = displayName
  }
}

extension Checkpoint {
  /// Opens a model: a Hugging Face directory (`config.json`, safetensors) or a GGUF file.
  /// - Throws: `CheckpointError` naming the file, the place in it and what is wrong.
  package static func open(path: String) throws(CheckpointError) -> Checkpoint {
    if CheckpointFile.exists("\(path)/config.json") { return try open(directory: path) }
    if GGUFFile.isGGUF(path: path) || path.hasSuffix(".gguf") { return try open(gguf: path) }
    throw CheckpointError(
      path: path, problem: problem(of: path), expected: "a directory with config.json and safetensors, or a GGUF file")
  }

  /// The likeliest misunderstandings about what is not a model.
  private static func problem(of path: String) -> String {
    if !CheckpointFile.exists(path) { return "no such file or directory" }
    if isAdapter(path: path) { return "an adapter, which is no model without its base" }
    if path.hasSuffix(".safetensors") { return "the weights of a model without its config.json" }
    return path.hasSuffix(".lz4") ? "a packed bundle" : "not a model"
  }
}

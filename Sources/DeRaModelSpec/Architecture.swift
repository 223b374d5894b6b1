/// A decoder family as data: the one decoder and the checkpoint readers look at these facts, no code asks for a name.
///
/// Each family is one file in `Families`.
package struct Architecture: Sendable, Equatable {
  /// Vectors of a layer over which queries and keys are RMS-normalised.
  package enum QueryKeyNorm: Sendable { case none, perHead, fullProjection }
  /// Where a layer normalises: before attention and feed-forward, after them, or both.
  package enum NormPlacement: Sendable { case pre, post, sandwich }
  package enum Activation: Sendable { case silu, geluTanh }

  /// GGUF's `general.architecture`.
  package let name: String
  package var hasQueryKeyValueBias = false
  package var queryKeyNorm = QueryKeyNorm.none
  package var normPlacement = NormPlacement.pre
  package var activation = Activation.silu
  /// Embeddings are multiplied by √hiddenSize.
  package var scalesEmbeddings = false
  /// Hugging Face stores `weight − 1` for RMS norms; GGUF and we store the factor itself.
  package var huggingFaceNormsAreOffsetByOne = false
  /// Hugging Face's names of tensors where they are not those of `ModelTensor`.
  package var huggingFaceTensorNames: [ModelTensor: String] = [:]
  /// Classes of transformers that compute the same; one of them is `architectures[0]` of `config.json`.
  package let huggingFaceClasses: [HuggingFaceClass]
  package var gguf = GGUFFacts()

  package static func == (left: Architecture, right: Architecture) -> Bool { left.name == right.name }
}

extension Architecture {
  /// The family that GGUF files and bundles call `name`.
  package static func named(_ name: String) -> Architecture? { all.first { $0.name == name } }

  /// The family that has a class of transformers, and the class.
  package static func huggingFace(className: String) -> (Architecture, HuggingFaceClass)? {
    for family in all {
      if let found = family.huggingFaceClasses.first(where: { $0.name == className }) { return (family, found) }
    }
    return nil
  }

  /// Hugging Face's name of a tensor: `model.layers.3.self_attn.q_proj.weight`.
  /// - Parameter layer: nil for a tensor outside the layers.
  package func huggingFaceName(of tensor: ModelTensor, layer: Int? = nil) -> String {
    let name = huggingFaceTensorNames[tensor] ?? tensor.huggingFaceName
    return layer.map { "model.layers.\($0).\(name)" } ?? name
  }
}

/// A model class of transformers: how it reads `config.json`.
package struct HuggingFaceClass: Sendable {
  /// Which layers use the sliding window.
  package enum Sliding: Sendable { case never, everyLayer, switchedOn, pattern }

  /// `architectures[0]`.
  package let name: String
  package let sliding: Sliding
  package let activationField: String
  /// Rotary base where the file has none.
  package let ropeTheta: Double
  /// RoPE base of the sliding layers, in classes with separate rotary parameters for them.
  package let slidingRopeTheta: Double?
  /// The fields the class knows, with its defaults (transformers 5.23); it ignores all others.
  package let defaults: [String: ConfigLiteral]

  /// - Parameter fields: the class's own defaults, beside those that all classes share.
  init(
    _ name: String, sliding: Sliding = .never, activationField: String = "hidden_act", ropeTheta: Double = 10_000,
    slidingRopeTheta: Double? = nil, fields: [String: ConfigLiteral]
  ) {
    self.name = name
    self.sliding = sliding
    self.activationField = activationField
    self.ropeTheta = ropeTheta
    self.slidingRopeTheta = slidingRopeTheta
    defaults = Self.common.merging(fields) { $1 }
  }

  private static let common: [String: ConfigLiteral] = [
    "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": nil,
    "head_dim": nil, "hidden_act": "silu", "rms_norm_eps": 1e-6, "tie_word_embeddings": false, "eos_token_id": nil,
  ]
}

/// A family's GGUF files.
package struct GGUFFacts: Sendable {
  /// The sliding window of files that have one.
  package struct SlidingWindow: Sendable {
    /// The last of every so many layers has full attention; nil where all layers slide.
    package var period: Int?
    /// A file without its window is refused: long answers would be wrong.
    package var isRequired = false
    /// Rotary base of the sliding layers; nil for that of the others.
    package var theta: Float?
  }

  /// Query and key rows are interleaved for adjacent-pair RoPE; we keep Hugging Face's half-split order.
  package var interleavesQueryKeyRows = false
  /// nil for a family whose files must not have a sliding window.
  package var slidingWindow: SlidingWindow?
  /// Rotary base of a file without `rope.freq_base`.
  package var theta: Float = 10_000
  /// Numbers of layers of those models whose attention scale is 1/√(hiddenSize/heads) instead of 1/√headDim; llama.cpp
  /// knows them by that too.
  package var layersScaledByHiddenSize: Set<Int> = []
  /// SentencePiece merges go by token id, since the file's scores are not in their order, and runs of spaces are spelt as
  /// user-defined tokens.
  package var ranksMergesByID = false
}

/// A default of a field of `config.json`.
package enum ConfigLiteral: Sendable, Equatable {
  case null
  case bool(Bool)
  case integer(Int)
  case double(Double)
  case string(String)
}

extension ConfigLiteral: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral
{
  package init(nilLiteral: ()) { self = .null }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(integerLiteral value: Int) { self = .integer(value) }
  package init(floatLiteral value: Double) { self = .double(value) }
  package init(stringLiteral value: String) { self = .string(value) }
}

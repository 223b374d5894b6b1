import DeRaGGUF
import DeRaModelSpec

/// The hyper-parameters in a GGUF model's metadata.
struct GGUFConfiguration {
  /// Bounds on sizes from the file: larger than any model, small enough that products of two fit in `Int`.
  static let maximumSize = 1 << 28
  static let maximumLayers = 1000
  static let maximumHeadDim = 1 << 14
  /// A key of files that the conversion has written.
  static let bundleKey = "dera.version"
  /// Divisors of the inverse frequencies, written for Llama 3's scaling.
  static let frequencyFactors = "rope_freqs.weight"
  /// Keys that change what a model computes in ways we do not, with the value that does not.
  static let restrictedKeys: [(key: String, harmless: Double)] = [
    ("expert_count", 0), ("final_logit_softcapping", 0), ("attn_logit_softcapping", 0), ("attention.clamp_kqv", 0),
    ("attention.max_alibi_bias", 0), ("logit_scale", 1), ("residual_scale", 1), ("embedding_scale", 1),
  ]

  let file: GGUFFile
  let architecture: Architecture

  /// - Throws: `CheckpointError` when the file is no whole model of a supported architecture.
  init(file: GGUFFile) throws(CheckpointError) {
    self.file = file
    let name = try checked { () throws(GGUFError) in try file.string("general.architecture") }
    guard let architecture = Architecture.named(name) else {
      throw CheckpointError(
        path: file.path, subject: "general.architecture", problem: name,
        expected: "one of the supported architectures " + Architecture.all.map(\.name).joined(separator: ", "))
    }
    self.architecture = architecture
    guard file[Self.bundleKey] == nil else {
      throw CheckpointError(
        path: file.path, subject: Self.bundleKey, problem: "a converted bundle", expected: "a model to convert",
        remedy: "Run the bundle as it is, or give the checkpoint it was made from.")
    }
    let type = try checked { () throws(GGUFError) in try file.stringIfPresent("general.type") }
    guard type == nil || type == "model" else {
      throw CheckpointError(
        path: file.path, subject: "general.type", problem: type ?? "", expected: "model",
        remedy: "Give the model itself here, and an adapter as an aligned model.")
    }
    let parts = try checked { () throws(GGUFError) in try file.intIfPresent("split.count") } ?? 1
    guard parts <= 1 else {
      throw CheckpointError(
        path: file.path, subject: "split.count", problem: "one of \(parts) files of a split model",
        expected: "a whole model", remedy: "Join them first (llama-gguf-split --merge).")
    }
  }

  /// - Throws: `CheckpointError` naming the key that is wrong or asks for something not supported.
  func configuration() throws(CheckpointError) -> ModelConfiguration {
    try checkRestrictedKeys()
    let hiddenSize = try size("embedding_length")
    let layers = try size("block_count", upTo: Self.maximumLayers)
    let heads = try size("attention.head_count")
    let kvHeads = try sizeIfPresent("attention.head_count_kv") ?? heads
    guard heads % kvHeads == 0 else {
      throw error("attention.head_count_kv", "\(kvHeads)", expected: "a divisor of attention.head_count (\(heads))")
    }
    let headDim = try headDim(hiddenSize: hiddenSize, heads: heads)
    let context = try size("context_length")
    guard let embedding = file.tensor(named: ModelTensor.embedding.name) else {
      throw CheckpointError(path: file.path, subject: ModelTensor.embedding.name, problem: "the tensor is missing")
    }
    guard embedding.rows <= Self.maximumSize else {
      throw CheckpointError(
        path: file.path, subject: ModelTensor.embedding.name, problem: "\(embedding.rows) rows",
        expected: "up to \(Self.maximumSize)")
    }
    var configuration = ModelConfiguration(
      architecture: architecture, vocabularySize: embedding.rows, hiddenSize: hiddenSize, layers: layers, heads: heads,
      kvHeads: kvHeads, headDim: headDim, feedForwardSize: try size("feed_forward_length"), contextLength: context,
      normEpsilon: try number("attention.layer_norm_rms_epsilon", in: 1e-30...1),
      tiesEmbeddings: file.tensor(named: ModelTensor.output.name) == nil,
      rope: try rope(headDim: headDim, context: context))
    if architecture.scalesEmbeddings { configuration.embeddingScale = Float(hiddenSize).squareRoot() }
    if architecture.gguf.layersScaledByHiddenSize.contains(layers) {
      configuration.attentionScale = 1 / (Float(hiddenSize) / Float(heads)).squareRoot()
    }
    try setSlidingWindow(of: &configuration)
    return configuration
  }

  private func headDim(hiddenSize: Int, heads: Int) throws(CheckpointError) -> Int {
    let key = "attention.key_length"
    let headDim = try sizeIfPresent(key) ?? hiddenSize / heads
    guard headDim.isMultiple(of: 2), headDim > 0, headDim <= Self.maximumHeadDim else {
      throw error(key, "\(headDim)", expected: "an even number up to \(Self.maximumHeadDim)")
    }
    for other in ["attention.value_length", "rope.dimension_count"] {
      let value = try sizeIfPresent(other) ?? headDim
      guard value == headDim else {
        throw error(other, "\(value)", expected: "the key length \(headDim): others are not supported")
      }
    }
    return headDim
  }

  private func setSlidingWindow(of configuration: inout ModelConfiguration) throws(CheckpointError) {
    let key = "attention.sliding_window"
    let window = try integer(key, in: 0...Self.maximumSize) ?? 0
    let facts = architecture.gguf.slidingWindow
    guard window > 0 else {
      if facts?.isRequired ?? false {
        throw error(key, "missing", expected: "the number of tokens a sliding layer sees")
      }
      return
    }
    guard let facts else { throw error(key, "\(window)", expected: "no sliding window for \(architecture.name)") }
    configuration.slidingWindow = window
    let pattern = try integer("attention.sliding_window_pattern", in: 1...Self.maximumSize) ?? facts.period
    configuration.layerSlides = (0..<configuration.layers).map { layer in pattern.map { (layer + 1) % $0 != 0 } ?? true
    }
    guard let standard = facts.theta else { return }
    let theta = try numberIfPresent("rope.freq_base_swa", in: 1.000_1...1e30) ?? standard
    configuration.slidingRope = RotaryEmbedding(theta: theta, headDim: configuration.headDim)
  }

  private func checkRestrictedKeys() throws(CheckpointError) {
    for (key, harmless) in Self.restrictedKeys {
      guard let value = file[name(key)], value.number != harmless else { continue }
      throw error(
        key, value.number.map { "\($0)" } ?? "no number", expected: "\(harmless): other values are not supported")
    }
  }
}

// MARK: Rotary embedding

extension GGUFConfiguration {
  private func rope(headDim: Int, context: Int) throws(CheckpointError) -> RotaryEmbedding {
    let theta = try numberIfPresent("rope.freq_base", in: 1.000_1...1e30) ?? architecture.gguf.theta
    var rope = RotaryEmbedding(theta: theta, headDim: headDim, scaling: try scaling(context: context))
    guard let tensor = file.tensor(named: Self.frequencyFactors) else { return rope }
    let factors = try GGUFTensorSource(file: file, tensor: tensor, dimensions: [headDim / 2]).readAll()
    guard factors.allSatisfy({ $0 > 0 && $0.isFinite }) else {
      throw CheckpointError(
        path: file.path, subject: tensor.name, problem: "a factor that is not positive", expected: "positive numbers")
    }
    rope.inverseFrequencies = zip(rope.inverseFrequencies, factors).map { $0 / $1 }
    return rope
  }

  private func scaling(context: Int) throws(CheckpointError) -> RotaryScaling {
    let key = "rope.scaling.type"
    let factors: ClosedRange<Float> = 1e-6...1e6
    let type = try checked { () throws(GGUFError) in try file.stringIfPresent(name(key)) }
    switch type {
    case nil, "linear":
      // The second key is of the time before rope.scaling.type.
      let factor = try numberIfPresent("rope.scaling.factor", in: factors)
      let older = try numberIfPresent("rope.scale_linear", in: factors)
      return (factor ?? older).map { .linear(factor: $0) } ?? .none
    case "none":
      return .none
    case "yarn":
      var yarn = YarnScaling(
        factor: Double(try number("rope.scaling.factor", in: factors)),
        originalContext: try sizeIfPresent("rope.scaling.original_context_length") ?? context)
      if let beta = try numberIfPresent("rope.scaling.yarn_beta_fast", in: factors) { yarn.betaFast = Double(beta) }
      if let beta = try numberIfPresent("rope.scaling.yarn_beta_slow", in: factors) { yarn.betaSlow = Double(beta) }
      if let factor = try numberIfPresent("rope.scaling.attn_factor", in: factors) {
        // It multiplies the usual magnitude, unlike Hugging Face's attention_factor, which replaces it.
        yarn.attentionFactor = yarn.magnitude * Double(factor)
      }
      return .yarn(yarn)
    default:
      throw error(key, type ?? "", expected: "none, linear or yarn: others are not supported")
    }
  }
}

// MARK: Values

extension GGUFConfiguration {
  private func name(_ key: String) -> String { "\(architecture.name).\(key)" }

  private func error(_ key: String, _ problem: String, expected: String) -> CheckpointError {
    CheckpointError(path: file.path, subject: name(key), problem: problem, expected: expected)
  }

  private func integer(_ key: String, in range: ClosedRange<Int>) throws(CheckpointError) -> Int? {
    guard let value = try checked({ () throws(GGUFError) in try file.intIfPresent(name(key)) }) else { return nil }
    guard range.contains(value) else {
      throw error(key, "\(value)", expected: "\(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  private func sizeIfPresent(_ key: String) throws(CheckpointError) -> Int? {
    try integer(key, in: 1...Self.maximumSize)
  }

  private func size(_ key: String, upTo limit: Int = maximumSize) throws(CheckpointError) -> Int {
    guard let value = try integer(key, in: 1...limit) else { throw missing(key) }
    return value
  }

  private func numberIfPresent(_ key: String, in range: ClosedRange<Float>) throws(CheckpointError) -> Float? {
    guard let value = try checked({ () throws(GGUFError) in try file.floatIfPresent(name(key)) }) else { return nil }
    guard range.contains(value) else {
      throw error(key, "\(value)", expected: "a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  private func number(_ key: String, in range: ClosedRange<Float>) throws(CheckpointError) -> Float {
    guard let value = try numberIfPresent(key, in: range) else { throw missing(key) }
    return value
  }

  private func missing(_ key: String) -> CheckpointError {
    CheckpointError(
      path: file.path, subject: name(key), problem: "the metadata key is missing",
      remedy: "Convert the model again with a current converter.")
  }
}

extension GGUFConfiguration {
  /// Keys of the family that are read, beside `restrictedKeys`.
  private static let knownKeys: Set<String> = [
    "embedding_length", "block_count", "attention.head_count", "attention.head_count_kv", "context_length",
    "feed_forward_length", "attention.layer_norm_rms_epsilon", "attention.key_length", "attention.value_length",
    "rope.dimension_count", "attention.sliding_window", "attention.sliding_window_pattern", "rope.freq_base",
    "rope.freq_base_swa", "rope.scaling.type", "rope.scaling.factor", "rope.scale_linear",
    "rope.scaling.original_context_length", "rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow",
    "rope.scaling.attn_factor", "vocab_size",
  ]

  /// Keys of the family that nothing here reads, and choices that the file leaves open.
  var remarks: [CheckpointRemark] {
    let prefix = "\(architecture.name)."
    let known = Self.knownKeys.union(Self.restrictedKeys.map(\.key))
    let keys = file.metadata.map(\.key).filter {
      $0.hasPrefix(prefix) && !known.contains(String($0.dropFirst(prefix.count)))
    }
    var remarks = keys.isEmpty ? [] : [CheckpointRemark(.ignored, "metadata \(listed(keys))")]
    if file[name("rope.freq_base")] == nil {
      remarks.append(CheckpointRemark(.guessed, "\(name("rope.freq_base")) is \(architecture.gguf.theta)"))
    }
    return remarks
  }
}

import DeRaJSON
import DeRaModelSpec

/// `config.json` of a Hugging Face model, read as its class in transformers reads it.
package struct HFConfig {
  /// Bounds on sizes from the file: larger than any model, small enough that products of two fit in `Int`.
  static let maximumSize = 1 << 28
  static let maximumLayers = 1000
  static let maximumHeadDim = 1 << 14

  /// Fields that change what a model computes in ways we do not, with the values that do not.
  static let restrictedFields: [(field: String, harmless: [JSON])] = [
    ("attention_bias", [.null, false]),
    ("mlp_bias", [.null, false]),
    ("final_logit_softcapping", [.null]),
    ("attn_logit_softcapping", [.null]),
    ("use_bidirectional_attention", [.null, false]),
    ("partial_rotary_factor", [.null, 1, 1.0]),
    ("per_layer_config", [.null]),
    ("num_experts", [.null, 0]),
    ("num_local_experts", [.null, 0]),
    ("is_encoder_decoder", [.null, false]),
  ]

  let path: String
  let json: JSONObject
  /// The class of transformers.
  let modelClass: HuggingFaceClass
  let architecture: Architecture

  /// - Throws: `CheckpointError` when the file is not a configuration of a supported class.
  package init(path: String) throws(CheckpointError) {
    self.path = path
    guard let json = try CheckpointFile.json(path).object else {
      throw CheckpointError(path: path, problem: "not a JSON object")
    }
    self.json = json
    let name = json["architectures"]?.array?.first?.string
    guard let name, let (architecture, modelClass) = Architecture.huggingFace(className: name) else {
      let known = Architecture.all.flatMap(\.huggingFaceClasses).map(\.name)
      throw CheckpointError(
        path: path, subject: "architectures", problem: name ?? json["architectures"]?.summary ?? "missing",
        expected: "one of the supported architectures " + known.joined(separator: ", "))
    }
    self.modelClass = modelClass
    self.architecture = architecture
  }

  /// - Throws: `CheckpointError` naming the field that is wrong or asks for something not supported.
  package func configuration() throws(CheckpointError) -> ModelConfiguration {
    try checkRestrictedFields()
    let heads = try size("num_attention_heads")
    let hiddenSize = try size("hidden_size")
    let headDim = try headDim(hiddenSize: hiddenSize, heads: heads)
    let kvHeads = value("num_key_value_heads").isNull ? heads : try size("num_key_value_heads")
    guard heads % kvHeads == 0 else {
      throw error("num_key_value_heads", "\(kvHeads)", expected: "a divisor of num_attention_heads (\(heads))")
    }
    let context = try size("max_position_embeddings")
    let ropes = try HFRope(config: self, headDim: headDim, context: context).embeddings()
    var configuration = ModelConfiguration(
      architecture: architecture, vocabularySize: try size("vocab_size"), hiddenSize: hiddenSize,
      layers: try size("num_hidden_layers", upTo: Self.maximumLayers), heads: heads, kvHeads: kvHeads,
      headDim: headDim, feedForwardSize: try size("intermediate_size"), contextLength: context,
      normEpsilon: Float(try number("rms_norm_eps", in: 1e-30...1)), tiesEmbeddings: try flag("tie_word_embeddings"),
      rope: ropes.full)
    if architecture.scalesEmbeddings { configuration.embeddingScale = Float(hiddenSize).squareRoot() }
    if !value("query_pre_attn_scalar").isNull {
      configuration.attentionScale = Float(1 / (try number("query_pre_attn_scalar", in: 1e-6...1e6)).squareRoot())
    }
    try setSlidingWindow(of: &configuration)
    if configuration.layerSlides.contains(true) && ropes.sliding != ropes.full {
      configuration.slidingRope = ropes.sliding
    }
    return configuration
  }

  /// `eos_token_id` of `config.json`; see `endOfTextIDs(_:path:vocabularySize:)`.
  package func endOfTextIDs(vocabularySize: Int) throws(CheckpointError) -> [Int] {
    var remarks: [CheckpointRemark] = []
    return try Self.endOfTextIDs(value("eos_token_id"), path: path, vocabularySize: vocabularySize, &remarks)
  }

  /// Ids that end an answer, here an integer or a list; those outside the vocabulary cannot occur and are left out.
  /// - Throws: `CheckpointError` when the field is something else.
  static func endOfTextIDs(
    _ value: JSON, path: String, vocabularySize: Int, _ remarks: inout [CheckpointRemark]
  ) throws(CheckpointError) -> [Int] {
    if value.isNull { return [] }
    let ids = (value.array ?? [value]).map(\.int)
    guard !ids.contains(nil) else {
      throw CheckpointError(
        path: path, subject: "eos_token_id", problem: value.summary, expected: "an integer or a list of integers")
    }
    let known = ids.compactMap(\.self)
    let inside = known.filter((0..<vocabularySize).contains)
    let outside = known.filter { !(0..<vocabularySize).contains($0) }
    if !outside.isEmpty {
      remarks.append(
        CheckpointRemark(
          .ignored,
          "eos_token_id \(listed(outside.map(String.init))) of \(path): the vocabulary has \(vocabularySize) tokens"))
    }
    return inside
  }

  private func headDim(hiddenSize: Int, heads: Int) throws(CheckpointError) -> Int {
    let headDim: Int
    if value("head_dim").isNull {
      guard hiddenSize % heads == 0 else {
        throw error("num_attention_heads", "\(heads)", expected: "a divisor of hidden_size (\(hiddenSize))")
      }
      headDim = hiddenSize / heads
    } else {
      headDim = try size("head_dim")
    }
    guard headDim.isMultiple(of: 2), headDim <= Self.maximumHeadDim else {
      throw error("head_dim", "\(headDim)", expected: "an even number up to \(Self.maximumHeadDim)")
    }
    return headDim
  }

  private func checkRestrictedFields() throws(CheckpointError) {
    _ = try weightBlockSize()
    for (field, harmless) in Self.restrictedFields {
      guard let value = json[field], !harmless.contains(value) else { continue }
      throw error(
        field, value.summary,
        expected: harmless.map(\.summary).joined(separator: " or ") + ": other values are not supported")
    }
    let activation = value(modelClass.activationField)
    let supported = architecture.activation.huggingFaceNames
    guard let name = activation.string, supported.contains(name) else {
      throw error(
        modelClass.activationField, activation.summary,
        expected: supported.joined(separator: " or ") + ": other activations are not supported")
    }
  }
}

extension HFConfig {
  private func setSlidingWindow(of configuration: inout ModelConfiguration) throws(CheckpointError) {
    var window: Int?
    if !value("sliding_window").isNull { window = try size("sliding_window") }
    if modelClass.sliding == .switchedOn, !(try flag("use_sliding_window")) { window = nil }
    configuration.layerSlides = try layerSlides(layers: configuration.layers, hasWindow: window != nil)
    guard configuration.layerSlides.contains(true) else { return }
    guard let window else {
      throw error("sliding_window", "null", expected: "a window for the layers of type sliding_attention")
    }
    configuration.slidingWindow = window
  }

  private func layerSlides(layers: Int, hasWindow: Bool) throws(CheckpointError) -> [Bool] {
    let types = value("layer_types")
    if !types.isNull {
      let known = ["full_attention": false, "sliding_attention": true]
      let slides = (types.array ?? []).compactMap { $0.string.flatMap { known[$0] } }
      guard slides.count == layers, types.array?.count == layers else {
        throw error(
          "layer_types", types.summary, expected: "\(layers) times \"full_attention\" or \"sliding_attention\"")
      }
      return slides
    }
    switch modelClass.sliding {
    case .never: return Array(repeating: false, count: layers)
    case .everyLayer: return Array(repeating: hasWindow, count: layers)
    case .switchedOn:
      let first = hasWindow ? try integer("max_window_layers", in: 0...Self.maximumSize) : layers
      return (0..<layers).map { $0 >= first }
    case .pattern:
      let pattern = try size("sliding_window_pattern")
      return (0..<layers).map { ($0 + 1) % pattern != 0 }
    }
  }
}

extension HFConfig {
  /// The file's value of a field of the class, its default when the file has none, null for fields the class ignores.
  func value(_ field: String) -> JSON {
    guard let standard = modelClass.defaults[field] else { return .null }
    return json[field] ?? JSON(standard)
  }

  func error(_ field: String, _ problem: String, expected: String) -> CheckpointError {
    CheckpointError(path: path, subject: field, problem: problem, expected: expected)
  }

  func integer(_ field: String, in range: ClosedRange<Int>) throws(CheckpointError) -> Int {
    let value = value(field)
    guard let integer = value.int, range.contains(integer) else {
      throw error(field, value.summary, expected: "an integer from \(range.lowerBound) to \(range.upperBound)")
    }
    return integer
  }

  func size(_ field: String, upTo limit: Int = maximumSize) throws(CheckpointError) -> Int {
    try integer(field, in: 1...limit)
  }

  func number(_ field: String, in range: ClosedRange<Double>) throws(CheckpointError) -> Double {
    let value = value(field)
    guard let number = value.double, range.contains(number) else {
      throw error(field, value.summary, expected: "a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }

  func flag(_ field: String) throws(CheckpointError) -> Bool {
    let value = value(field)
    guard let flag = value.bool else { throw error(field, value.summary, expected: "true or false") }
    return flag
  }
}

extension Architecture.Activation {
  /// Its names in `config.json`.
  var huggingFaceNames: [String] {
    switch self {
    case .silu: ["silu", "swish"]
    case .geluTanh: ["gelu_pytorch_tanh"]
    }
  }
}

extension HFConfig {
  /// Fields that are read by no class but read here, or that say nothing about what a trained model computes.
  private static let otherFields: Set<String> = [
    "architectures", "model_type", "quantization_config", "rope_parameters", "rope_scaling", "rope_theta",
    "rope_local_base_freq", "original_max_position_embeddings", "_name_or_path", "torch_dtype", "dtype",
    "transformers_version", "use_cache", "initializer_range", "attention_dropout", "pretraining_tp", "rope_interleaved",
    "_sliding_window_pattern", "bos_token_id", "pad_token_id", "cache_implementation",
  ]

  /// Fields of the file that nothing here reads.
  var remarks: [CheckpointRemark] {
    let known = Self.otherFields.union(modelClass.defaults.keys).union(Self.restrictedFields.map(\.field))
    let unread = json.keys.filter { !known.contains($0) }
    return unread.isEmpty ? [] : [CheckpointRemark(.ignored, "config.json: \(listed(unread))")]
  }

  /// Rows and columns of the blocks of a quantised model's weights that share a scale; nil where the shapes of the scales
  /// say it, and in models that are not quantised.
  /// - Throws: `CheckpointError` for quantisations other than 8-bit floats.
  func weightBlockSize() throws(CheckpointError) -> [Int]? {
    guard let value = json["quantization_config"], !value.isNull else { return nil }
    let method = value["quant_method"]?.string ?? ""
    let isFloat8 =
      method == "compressed-tensors" ? value["format"]?.string == "float-quantized" : method.hasSuffix("fp8")
    guard isFloat8 else {
      throw error(
        "quantization_config", value["format"]?.summary ?? value["quant_method"]?.summary ?? value.summary,
        expected: "weights in 8-bit floats (fp8, fbgemm_fp8, float-quantized), or not quantised")
    }
    guard let size = value["weight_block_size"], !size.isNull else { return nil }
    let numbers = (size.array ?? []).compactMap(\.int)
    guard numbers.count == 2, numbers.allSatisfy({ (1...Self.maximumSize).contains($0) }) else {
      throw error("quantization_config.weight_block_size", size.summary, expected: "two sizes")
    }
    return numbers
  }
}

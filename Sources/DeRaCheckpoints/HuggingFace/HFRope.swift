import DeRaJSON
import DeRaModelSpec

/// The rotary parameters of a `config.json`: `rope_parameters` of transformers 5 (nested by layer type where sliding layers have their own), or
/// the older `rope_theta`, `rope_local_base_freq` and `rope_scaling`.
struct HFRope {
  let config: HFConfig
  let headDim: Int
  let context: Int

  /// - Throws: `CheckpointError` naming the field that is wrong or not supported.
  func embeddings() throws(CheckpointError) -> (full: RotaryEmbedding, sliding: RotaryEmbedding) {
    let newer = try object("rope_parameters")
    let older = try object("rope_scaling")
    let topTheta = config.json["rope_theta"]
    let standard = JSON.double(config.modelClass.ropeTheta)
    guard let slidingTheta = config.modelClass.slidingRopeTheta else {
      let block = Block(fields: older ?? newer, name: older == nil ? "rope_parameters" : "rope_scaling")
      if let nested = block.fields?.values.first(where: { $0.object != nil }) {
        throw config.error(block.name, nested.summary, expected: "one set of rotary parameters, not one a layer type")
      }
      let full = try embedding(block, theta: topTheta ?? standard)
      return (full, full)
    }
    if let newer, !newer.isEmpty, newer["full_attention"] == nil, newer["sliding_attention"] == nil {
      throw config.error(
        "rope_parameters", "an object without layer types", expected: "the keys full_attention and sliding_attention")
    }
    var full = Block(fields: newer?["full_attention"]?.object, name: "rope_parameters.full_attention")
    if let older { full = Block(fields: older, base: full.fields, name: "rope_scaling") }
    let sliding = Block(fields: newer?["sliding_attention"]?.object, name: "rope_parameters.sliding_attention")
    return (
      try embedding(full, theta: topTheta ?? standard),
      try embedding(sliding, theta: config.json["rope_local_base_freq"] ?? .double(slidingTheta))
    )
  }

  /// One set of rotary parameters and where it stands in the file.
  private struct Block {
    var fields: JSONObject?
    /// Values for keys that `fields` lacks.
    var base: JSONObject?
    var name: String

    /// Null counts as missing.
    subscript(key: String) -> JSON? {
      let value = fields?[key] ?? base?[key]
      return value == .null ? nil : value
    }
  }

  private func object(_ field: String) throws(CheckpointError) -> JSONObject? {
    guard let value = config.json[field], !value.isNull else { return nil }
    guard let object = value.object else { throw config.error(field, value.summary, expected: "an object or null") }
    return object.isEmpty ? nil : object
  }

  private func embedding(_ block: Block, theta: JSON) throws(CheckpointError) -> RotaryEmbedding {
    let theta = block["rope_theta"] ?? theta
    guard let base = theta.double, base > 1, base <= 1e30 else {
      throw config.error("rope_theta", theta.summary, expected: "a number above 1")
    }
    if let partial = block["partial_rotary_factor"], partial.double != 1 {
      throw config.error(
        "\(block.name).partial_rotary_factor", partial.summary, expected: "1: others are not supported")
    }
    return RotaryEmbedding(theta: Float(base), headDim: headDim, scaling: try scaling(block))
  }

  private func scaling(_ block: Block) throws(CheckpointError) -> RotaryScaling {
    let type = block["rope_type"] ?? block["type"] ?? "default"
    switch type.string {
    case "default":
      return .none
    case "linear":
      return .linear(factor: Float(try number(block, "factor")))
    case "llama3":
      let low = try number(block, "low_freq_factor")
      let high = try number(block, "high_freq_factor")
      guard high > low else {
        throw config.error("\(block.name).high_freq_factor", "\(high)", expected: "more than low_freq_factor (\(low))")
      }
      return .llama3(
        Llama3Scaling(
          factor: Float(try number(block, "factor")), lowFrequencyFactor: Float(low), highFrequencyFactor: Float(high),
          originalContext: try originalContext(block)))
    case "yarn":
      return .yarn(try yarn(block))
    default:
      throw config.error(
        "\(block.name).rope_type", type.summary, expected: "default, linear, llama3 or yarn: others are not supported")
    }
  }

  private func yarn(_ block: Block) throws(CheckpointError) -> YarnScaling {
    let original = try originalContext(block)
    let implied = Double(context) / Double(original)
    var scaling = YarnScaling(
      factor: block["factor"] == nil ? implied : try number(block, "factor"), originalContext: original)
    // transformers takes 0 for "not given" in these two.
    if let value = try optionalNumber(block, "beta_fast"), value != 0 { scaling.betaFast = value }
    if let value = try optionalNumber(block, "beta_slow"), value != 0 { scaling.betaSlow = value }
    if block["attention_factor"] != nil { scaling.attentionFactor = try number(block, "attention_factor") }
    scaling.magnitudeScale = try optionalNumber(block, "mscale")
    scaling.magnitudeScaleAllDimensions = try optionalNumber(block, "mscale_all_dim")
    if let truncates = block["truncate"] {
      guard let flag = truncates.bool else {
        throw config.error("\(block.name).truncate", truncates.summary, expected: "true or false")
      }
      scaling.truncates = flag
    }
    return scaling
  }

  private func originalContext(_ block: Block) throws(CheckpointError) -> Int {
    let field = "original_max_position_embeddings"
    let top = config.json[field]
    let value = (top?.isNull ?? true ? nil : top) ?? block[field] ?? .integer(context)
    guard let length = value.int, (1...HFConfig.maximumSize).contains(length) else {
      throw config.error(field, value.summary, expected: "a positive integer")
    }
    return length
  }

  private func number(_ block: Block, _ field: String) throws(CheckpointError) -> Double {
    guard let value = try optionalNumber(block, field), value > 0 else {
      throw config.error(
        "\(block.name).\(field)", block[field]?.summary ?? "missing", expected: "a number above 0")
    }
    return value
  }

  private func optionalNumber(_ block: Block, _ field: String) throws(CheckpointError) -> Double? {
    guard let value = block[field] else { return nil }
    guard let number = value.double, number >= 0, number <= 1e9 else {
      throw config.error("\(block.name).\(field)", value.summary, expected: "a number from 0 to 1e9")
    }
    return number
  }
}

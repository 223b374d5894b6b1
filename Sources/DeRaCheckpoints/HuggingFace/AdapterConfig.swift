import DeRaJSON
import DeRaTokenization

/// `adapter_config.json` of a PEFT LoRA adapter.
struct AdapterConfig {
  static let fileName = "adapter_config.json"
  static let maximumRank = 1 << 16

  /// Fields that change what the adapter computes in ways we do not, with the values that do not.
  private static let restrictedFields: [(field: String, harmless: [JSON])] = [
    ("bias", [.null, "none"]),
    ("lora_bias", [.null, false]),
    ("use_qalora", [.null, false]),
    ("layer_replication", [.null]),
    ("trainable_token_indices", [.null]),
    ("target_parameters", [.null, []]),
    ("alora_invocation_tokens", [.null]),
    ("use_bdlora", [.null]),
    ("kasa_config", [.null]),
    ("monteclora_config", [.null]),
    ("arrow_config", [.null]),
    ("megatron_config", [.null]),
    // Other ways to start (pissa, olora, loftq, corda, lora_ga) also change the base model's weights.
    ("init_lora_weights", [.null, true, false, "gaussian", "orthogonal", "eva"]),
  ]

  let path: String
  let usesDoRA: Bool
  /// The name of the base model that the adapter was trained on.
  let baseName: String?
  private let json: JSONObject
  private let usesRankStabilisedScale: Bool
  private let rankPatterns: [(pattern: ModulePattern, value: JSON)]
  private let alphaPatterns: [(pattern: ModulePattern, value: JSON)]

  /// - Throws: `CheckpointError` naming the field that is wrong or not supported.
  init(path: String) throws(CheckpointError) {
    self.path = path
    guard let json = try CheckpointFile.json(path).object else {
      throw CheckpointError(path: path, problem: "not a JSON object")
    }
    self.json = json
    guard json["peft_type"]?.string == "LORA" else {
      throw CheckpointError(
        path: path, subject: "peft_type", problem: json["peft_type"]?.summary ?? "missing",
        expected: "\"LORA\": other adapters are not supported",
        remedy: "Merge the adapter with PEFT and convert the merged model.")
    }
    for (field, harmless) in Self.restrictedFields {
      guard let value = json[field], !harmless.contains(value) else { continue }
      throw CheckpointError(
        path: path, subject: field, problem: value.summary,
        expected: harmless.map(\.summary).joined(separator: " or ") + ": other values are not supported",
        remedy: "Merge the adapter with PEFT and convert the merged model.")
    }
    baseName = json["base_model_name_or_path"]?.string
    usesDoRA = try Self.flag("use_dora", json, path)
    usesRankStabilisedScale = try Self.flag("use_rslora", json, path)
    rankPatterns = try Self.patterns("rank_pattern", json, path)
    alphaPatterns = try Self.patterns("alpha_pattern", json, path)
  }

  /// Rank of the update of a module ("model.layers.0.self_attn.q_proj") and what B·A is multiplied by: α/r, or α/√r for
  /// rank-stabilised LoRA.
  /// - Throws: `CheckpointError` when either is not a usable number.
  func update(of module: String) throws(CheckpointError) -> (rank: Int, scale: Float) {
    let rank = try value(of: module, in: rankPatterns) ?? json["r"] ?? 8
    let alpha = try value(of: module, in: alphaPatterns) ?? json["lora_alpha"] ?? 8
    guard let rank = rank.int, (1...Self.maximumRank).contains(rank) else {
      throw CheckpointError(
        path: path, subject: "rank of \(module)", problem: rank.summary,
        expected: "an integer from 1 to \(Self.maximumRank)")
    }
    guard let alpha = alpha.double, abs(alpha) <= 1e9 else {
      throw CheckpointError(path: path, subject: "alpha of \(module)", problem: alpha.summary, expected: "a number")
    }
    return (rank, Float(alpha / (usesRankStabilisedScale ? Double(rank).squareRoot() : Double(rank))))
  }

  private func value(
    of module: String, in patterns: [(pattern: ModulePattern, value: JSON)]
  ) throws(CheckpointError) -> JSON? {
    for (pattern, value) in patterns where try matches(pattern, module) { return value }
    return nil
  }

  private func matches(_ pattern: ModulePattern, _ module: String) throws(CheckpointError) -> Bool {
    do throws(TokenizerError) {
      return try pattern.matches(module)
    } catch {
      throw CheckpointError(path: path, subject: "the pattern \(pattern.text.prefix(60))", problem: "\(error)")
    }
  }

  /// Whether `target_modules` or `modules_to_save` names a module; true where that cannot be told, by a regular expression
  /// that is not understood.
  /// - Throws: `CheckpointError` when a regular expression takes too much work.
  func isTarget(_ module: String) throws(CheckpointError) -> Bool {
    if Self.names(module, in: json["modules_to_save"]) { return true }
    switch json["target_modules"] {
    case .string("all-linear"), .null, nil: return true
    case .string(let text):
      guard let pattern = try? ModulePattern(text, matching: .whole) else { return true }
      return try matches(pattern, module)
    case let list: return Self.names(module, in: list)
    }
  }

  /// Whether a list of names has the module, or the end of its name from a dot.
  private static func names(_ module: String, in list: JSON?) -> Bool {
    (list?.array ?? []).contains { $0.string.map { module == $0 || module.hasSuffix(".\($0)") } ?? false }
  }

  private static func flag(_ field: String, _ json: JSONObject, _ path: String) throws(CheckpointError) -> Bool {
    guard let value = json[field], !value.isNull else { return false }
    guard let flag = value.bool else {
      throw CheckpointError(path: path, subject: field, problem: value.summary, expected: "true or false")
    }
    return flag
  }

  private static func patterns(
    _ field: String, _ json: JSONObject, _ path: String
  ) throws(CheckpointError) -> [(pattern: ModulePattern, value: JSON)] {
    guard let value = json[field], !value.isNull else { return [] }
    guard let object = value.object else {
      throw CheckpointError(path: path, subject: field, problem: value.summary, expected: "an object")
    }
    var patterns: [(pattern: ModulePattern, value: JSON)] = []
    for (key, value) in zip(object.keys, object.values) {
      do throws(TokenizerError) {
        patterns.append((try ModulePattern(key), value))
      } catch {
        throw CheckpointError(path: path, subject: field, problem: "\(error)", expected: "a regular expression")
      }
    }
    return patterns
  }
}

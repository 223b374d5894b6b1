import DeRaTokenization

/// The chat template of a Hugging Face model directory.
enum HFChatTemplate {
  /// Files that may hold it.
  static let fileNames = ["chat_template.jinja", "tokenizer_config.json", "chat_template.json"]

  /// `chat_template.jinja`, or else the `chat_template` of `tokenizer_config.json` or of `chat_template.json`: a string, or a
  /// list of named templates of which the one called "default" counts. Special tokens that it reads by name and the bundle
  /// does not keep are set at its start.
  /// - Throws: `CheckpointError` when one of the files is damaged.
  static func read(directory: String, tokenizer: TokenizerDefinition?) throws(CheckpointError) -> String? {
    guard let template = try source(directory) else { return nil }
    return try settings(for: template, directory, tokenizer) + template
  }

  private static func source(_ directory: String) throws(CheckpointError) -> String? {
    let jinja = "\(directory)/\(fileNames[0])"
    if CheckpointFile.exists(jinja) { return try CheckpointFile.text(jinja) }
    for path in fileNames.dropFirst().map({ "\(directory)/\($0)" }) where CheckpointFile.exists(path) {
      guard let value = try CheckpointFile.json(path)["chat_template"], !value.isNull else { continue }
      let named = value.array?.first { $0["name"]?.string == "default" }?["template"]
      guard let template = value.string ?? named?.string else {
        throw CheckpointError(
          path: path, subject: "chat_template", problem: value.summary,
          expected: "a string, or a list with a template named \"default\"")
      }
      return template
    }
    return nil
  }

  /// `{% set image_token = "…" +%}` for each special token that the template names, beside those that the runtime knows.
  private static func settings(
    for template: String, _ directory: String, _ tokenizer: TokenizerDefinition?
  ) throws(CheckpointError) -> String {
    var known: Set<String> = []
    for (name, id) in [
      ("bos_token", tokenizer?.bosID), ("eos_token", tokenizer?.eosID), ("pad_token", tokenizer?.padID),
      ("unk_token", tokenizer?.unknownID),
    ] where id != nil { known.insert(name) }
    let words = Set(template.split { !($0.isLetter || $0.isNumber || $0 == "_") })
    var text = ""
    for name in ["tokenizer_config.json", "special_tokens_map.json"] {
      let path = "\(directory)/\(name)"
      guard CheckpointFile.exists(path), let object = try CheckpointFile.json(path).object else { continue }
      var members = zip(object.keys, object.values).map { ($0, $1) }
      for key in ["extra_special_tokens", "model_specific_special_tokens"] {
        if let more = object[key]?.object { members += zip(more.keys, more.values).map { ($0, $1) } }
      }
      for (key, value) in members where key.hasSuffix("_token") && words.contains(key[...]) {
        guard let token = value.string ?? value["content"]?.string, known.insert(key).inserted else { continue }
        text += "{% set \(key) = \"\(escaped(token))\" +%}"
      }
    }
    return text
  }

  private static func escaped(_ token: String) -> String {
    var text = ""
    for scalar in token.unicodeScalars {
      switch scalar {
      case "\\", "\"": text += "\\\(scalar)"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}

/// The chat template of a Hugging Face model directory.
enum HFChatTemplate {
  /// `chat_template.jinja`, or else the `chat_template` of `tokenizer_config.json`: a string, or a list of named
  /// templates of which the one called "default" counts.
  /// - Throws: `CheckpointError` when either file is damaged.
  static func read(directory: String) throws(CheckpointError) -> String? {
    let jinja = "\(directory)/chat_template.jinja"
    if CheckpointFile.exists(jinja) { return try CheckpointFile.text(jinja) }
    let path = "\(directory)/tokenizer_config.json"
    guard CheckpointFile.exists(path), let value = try CheckpointFile.json(path)["chat_template"], !value.isNull else {
      return nil
    }
    let named = value.array?.first { $0["name"]?.string == "default" }?["template"]
    guard let template = value.string ?? named?.string else {
      throw CheckpointError(
        path: path, subject: "chat_template", problem: value.summary,
        expected: "a string, or a list with a template named \"default\"")
    }
    return template
  }
}

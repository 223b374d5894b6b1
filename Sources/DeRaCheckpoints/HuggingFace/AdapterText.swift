import DeRaTokenization

/// The text files of an adapter's directory beside its weights: trainers save the tokenizer and its template there.
struct AdapterText {
  let directory: String
  let base: Checkpoint

  /// Takes the adapter's template and ends of an answer; its tokenizer must be the base's, because a bundle has one.
  /// - Returns: the files that were read.
  /// - Throws: `CheckpointError` when a file is damaged.
  func apply(to merged: inout Checkpoint) throws(CheckpointError) -> [String] {
    var remarks: [CheckpointRemark] = []
    let tokenizer = try HuggingFaceTokenizer.read(directory: directory, remarks: &remarks)
    if let template = try HFChatTemplate.read(directory: directory, tokenizer: tokenizer ?? base.tokenizer) {
      merged.chatTemplate = template
    }
    for id in try ends(tokenizer, &merged.remarks) where !merged.endOfTextIDs.contains(id) {
      merged.endOfTextIDs.append(id)
    }
    if let tokenizer, let known = base.tokenizer { merged.remarks += Self.remarks(tokenizer, known) }
    return (HuggingFaceTokenizer.fileNames + HFChatTemplate.fileNames + [Self.generationName])
      .map { "\(directory)/\($0)" }.filter { CheckpointFile.exists($0) && !merged.sources.contains($0) }.uniqued
  }

  private static let generationName = "generation_config.json"

  /// Ids of `generation_config.json`, and of the `eos_token` that `tokenizer_config.json` or `special_tokens_map.json` name,
  /// by the base's vocabulary.
  private func ends(
    _ tokenizer: TokenizerDefinition?, _ remarks: inout [CheckpointRemark]
  ) throws(CheckpointError) -> [Int] {
    var ids: [Int] = []
    let size = base.configuration.vocabularySize
    let generation = "\(directory)/\(Self.generationName)"
    if CheckpointFile.exists(generation), let value = try CheckpointFile.json(generation)["eos_token_id"] {
      ids += try HFConfig.endOfTextIDs(value, path: generation, vocabularySize: size, &remarks)
    }
    if let id = tokenizer?.eosID { ids.append(Int(id)) }
    for name in ["tokenizer_config.json", "special_tokens_map.json"] {
      let path = "\(directory)/\(name)"
      guard CheckpointFile.exists(path), let value = try CheckpointFile.json(path)["eos_token"],
        let token = value.string ?? value["content"]?.string, let id = base.tokenizer?.id(of: Array(token.utf8))
      else { continue }
      ids.append(Int(id))
    }
    return ids.filter { $0 < size }
  }

  /// Tokens that only the adapter's tokenizer has: no row of the base's embedding is theirs.
  private static func remarks(_ own: TokenizerDefinition, _ base: TokenizerDefinition) -> [CheckpointRemark] {
    let unknown = own.addedTokens.filter { base.id(of: $0.content) == nil }
    guard !unknown.isEmpty else { return [] }
    let names = unknown.prefix(5).map { String(decoding: $0.content, as: UTF8.self) }.joined(separator: ", ")
    let more = unknown.count > 5 ? " and \(unknown.count - 5) more" : ""
    return [
      CheckpointRemark(
        .warning, "the adapter's tokenizer has tokens that the reference's lacks: \(names)\(more); they are left out")
    ]
  }
}

extension TokenizerDefinition {
  /// The id of a token by how it looks in text.
  fileprivate func id(of content: [UInt8]) -> Int32? {
    addedTokens.first { $0.content == content }?.id ?? pieces.first { $0.bytes == content }?.id
  }
}

extension [String] {
  fileprivate var uniqued: [String] {
    var seen: Set<String> = []
    return filter { seen.insert($0).inserted }
  }
}

import DeRaTokenization

/// The additions of `tokenizer_config.json` or `special_tokens_map.json` to a tokenizer.
struct TokenizerFacts {
  let file: TokenizerField

  /// - Throws: `CheckpointError` naming the field.
  func apply(to definition: inout TokenizerDefinition) throws(CheckpointError) {
    try addMissingTokens(to: &definition)
    let index = SpecialTokenIndex(definition)
    if let id = try recognized(file["bos_token"], in: &definition, index) { definition.bosID = id }
    if let id = try recognized(file["eos_token"], in: &definition, index) { definition.eosID = id }
    if let id = try recognized(file["pad_token"], in: &definition, index) { definition.padID = id }
    _ = try recognized(file["unk_token"], in: &definition, index)
    let others = file["additional_special_tokens"]
    for token in others.isNull ? [] : try others.elements() { _ = try recognized(token, in: &definition, index) }
    try setEnds(of: &definition)
  }

  /// Tokens of `added_tokens_decoder` that the tokenizer's own file does not have.
  private func addMissingTokens(to definition: inout TokenizerDefinition) throws(CheckpointError) {
    let field = file["added_tokens_decoder"]
    if field.isNull { return }
    var known = Set(definition.addedTokens.map(\.content))
    let ids = Set(definition.addedTokens.map(\.id))
    for key in try field.object().keys {
      guard let id = Int32(key), id >= 0 else { throw field.error("the key “\(key)” is no token id") }
      let token = try TokenizerDefinition.AddedToken(field[key], id: id)
      guard !token.content.isEmpty, known.insert(token.content).inserted else { continue }
      guard !ids.contains(id) else { throw field[key].error("the id is another added token's already") }
      definition.addedTokens.append(token)
    }
  }

  /// The id of a named special token, which is recognised in text even if no list of added tokens has it.
  private func recognized(
    _ field: TokenizerField, in definition: inout TokenizerDefinition, _ index: SpecialTokenIndex
  ) throws(CheckpointError) -> Int32? {
    if field.isNull { return nil }
    let content = try (field.value.string == nil ? field["content"] : field).bytes()
    guard !content.isEmpty, let id = index.id(of: content) else { return nil }
    if !definition.addedTokens.contains(where: { $0.id == id }) {
      definition.addedTokens.append(TokenizerDefinition.AddedToken(id: id, content: content, isSpecial: true))
    }
    return id
  }

  /// `add_bos_token` and `add_eos_token` decide what is put around a text; without either the template in
  /// `tokenizer.json` does. That is how `transformers` takes them.
  private func setEnds(of definition: inout TokenizerDefinition) throws(CheckpointError) {
    let bos = file["add_bos_token"]
    let eos = file["add_eos_token"]
    if bos.isNull && eos.isNull { return }
    definition.prefixIDs = try bos.bool(default: false) ? [definition.bosID].compactMap(\.self) : []
    definition.suffixIDs = try eos.bool(default: false) ? [definition.eosID].compactMap(\.self) : []
  }
}

/// Ids of tokens by what they look like in text.
private struct SpecialTokenIndex {
  private var ids: [[UInt8]: Int32] = [:]

  init(_ definition: TokenizerDefinition) {
    for piece in definition.pieces { ids[piece.bytes] = piece.id }
    for token in definition.addedTokens { ids[token.content] = token.id }
  }

  func id(of content: [UInt8]) -> Int32? { ids[content] }
}

import DeRaTokenization

/// The additions of `tokenizer_config.json` or `special_tokens_map.json` to a tokenizer.
struct TokenizerFacts {
  let file: TokenizerField

  /// - Parameters:
  ///   - endsAreGiven: the tokenizer's own file says what is put around a text. `add_bos_token` and `add_eos_token` then do not
  ///     count, as in `transformers` 5; otherwise one that is missing leaves things as they are.
  ///   - remarks: gets what is not used.
  /// - Throws: `CheckpointError` naming the field.
  func apply(
    to definition: inout TokenizerDefinition, endsAreGiven: Bool, remarks: inout [String]
  ) throws(CheckpointError) {
    try addDecoderTokens(to: &definition)
    let index = SpecialTokenIndex(definition)
    if let id = try recognized(file["bos_token"], in: &definition, index) { definition.bosID = id }
    if let id = try recognized(file["eos_token"], in: &definition, index) { definition.eosID = id }
    if let id = try recognized(file["pad_token"], in: &definition, index) { definition.padID = id }
    _ = try recognized(file["unk_token"], in: &definition, index)
    for name in ["additional_special_tokens", "extra_special_tokens"] {
      // Names of roles and their tokens, or a list of tokens.
      let others = file[name]
      var tokens: [TokenizerField] = []
      if let object = others.value.object {
        tokens = object.keys.map { others[$0] }
      } else if !others.isNull {
        tokens = try others.elements()
      }
      for token in tokens { _ = try recognized(token, in: &definition, index) }
    }
    try setEnds(of: &definition, endsAreGiven, &remarks)
  }

  /// Tokens of `added_tokens.json` (text and id) that no other file has.
  func addTokens(to definition: inout TokenizerDefinition) throws(CheckpointError) {
    var ids = Set(definition.addedTokens.map(\.id))
    let known = Set(definition.addedTokens.map(\.content))
    let pieces = Dictionary(definition.pieces.map { ($0.id, $0.bytes) }) { first, _ in first }
    for name in try file.object().keys where !name.isEmpty && !known.contains(Array(name.utf8)) {
      let id = try file[name].tokenID()
      let content = Array(name.utf8)
      guard ids.insert(id).inserted, pieces[id] == nil || pieces[id] == content else {
        throw file[name].error("the id \(id) is another token's already")
      }
      definition.addedTokens.append(TokenizerDefinition.AddedToken(id: id, content: content, isSpecial: false))
    }
  }

  /// Tokens of `added_tokens_decoder`: those that the tokenizer's own file does not have, and how the others are looked for.
  private func addDecoderTokens(to definition: inout TokenizerDefinition) throws(CheckpointError) {
    let field = file["added_tokens_decoder"]
    if field.isNull { return }
    var places: [[UInt8]: Int] = [:]
    for (place, token) in definition.addedTokens.enumerated() where places[token.content] == nil {
      places[token.content] = place
    }
    let ids = Set(definition.addedTokens.map(\.id))
    for key in try field.object().keys {
      guard let id = Int32(key), id >= 0 else { throw field.error("the key “\(key)” is no token id") }
      var token = try TokenizerDefinition.AddedToken(field[key], id: id)
      guard !token.content.isEmpty else { continue }
      if let place = places[token.content] {
        token.id = definition.addedTokens[place].id
        token.isSpecial = token.isSpecial || definition.addedTokens[place].isSpecial
        definition.addedTokens[place] = token
      } else {
        guard !ids.contains(id) else { throw field[key].error("the id is another added token's already") }
        places[token.content] = definition.addedTokens.count
        definition.addedTokens.append(token)
      }
    }
  }

  /// The id of a named special token, which is recognised in text even if no list of added tokens has it.
  private func recognized(
    _ field: TokenizerField, in definition: inout TokenizerDefinition, _ index: SpecialTokenIndex
  ) throws(CheckpointError) -> Int32? {
    if field.isNull { return nil }
    let content = try (field.value.string == nil ? field["content"] : field).bytes()
    guard !content.isEmpty, let id = index.id(of: content) else { return nil }
    if let place = definition.addedTokens.firstIndex(where: { $0.id == id }) {
      definition.addedTokens[place].isSpecial = true
    } else {
      definition.addedTokens.append(TokenizerDefinition.AddedToken(id: id, content: content, isSpecial: true))
    }
    return id
  }

  private func setEnds(
    of definition: inout TokenizerDefinition, _ areGiven: Bool, _ remarks: inout [String]
  ) throws(CheckpointError) {
    func ids(_ name: String, _ id: Int32?, _ now: [Int32]) throws(CheckpointError) -> [Int32] {
      let field = file[name]
      if field.isNull { return now }
      let adds = try field.bool(default: false)
      guard areGiven else { return adds ? [id].compactMap(\.self) : [] }
      if adds == now.isEmpty {
        remarks.append(
          "\(name) of tokenizer_config.json is \(adds), but the post_processor of tokenizer.json decides: it adds "
            + (now.isEmpty ? "nothing there" : "\(now.count) token\(now.count == 1 ? "" : "s")"))
      }
      return now
    }
    definition.prefixIDs = try ids("add_bos_token", definition.bosID, definition.prefixIDs)
    definition.suffixIDs = try ids("add_eos_token", definition.eosID, definition.suffixIDs)
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

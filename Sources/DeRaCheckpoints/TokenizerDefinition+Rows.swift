import DeRaTokenization

extension TokenizerDefinition {
  /// Leaves out the added tokens that have no row in an embedding table of `rows` rows: placeholders of images, tokens of
  /// a larger model of the family. Pieces of the vocabulary itself stay, since then the files belong to other weights.
  /// - Returns: a sentence for the user where tokens were left out.
  package mutating func leaveOutTokens(from rows: Int) -> String? {
    let fillers = pieces.filter { $0.id >= rows && $0.role == .reserved }.map(\.id)
    return leaveOut(Set(addedTokens.map(\.id).filter { $0 >= rows } + fillers)).map {
      "tokens without a row in the embedding table of \(rows) rows are left out: \($0)"
    }
  }

  /// Leaves out tokens and all that makes or uses them.
  /// - Returns: the names of those that can stand in a text, if there are any.
  package mutating func leaveOut(_ ids: Set<Int32>) -> String? {
    guard !ids.isEmpty else { return nil }
    var names = addedTokens.filter { ids.contains($0.id) }.map { ($0.id, $0.content) }
    addedTokens.removeAll { ids.contains($0.id) }
    let known = Set(names.map(\.0))
    names += pieces.filter { ids.contains($0.id) && $0.role != .reserved && !known.contains($0.id) }.map {
      ($0.id, $0.bytes)
    }
    leaveOutPieces(ids)
    func kept(_ id: Int32?) -> Int32? { id.flatMap { ids.contains($0) ? nil : $0 } }
    (bosID, eosID, padID, unknownID) = (kept(bosID), kept(eosID), kept(padID), kept(unknownID))
    prefixIDs.removeAll(where: ids.contains)
    suffixIDs.removeAll(where: ids.contains)
    return names.isEmpty ? nil : listed(names.map { "\(String(decoding: $0.1, as: UTF8.self)) (\($0.0))" })
  }

  /// Removes pieces, and the merges that make or use them.
  private mutating func leaveOutPieces(_ ids: Set<Int32>) {
    let kept = pieces.indices.filter { !ids.contains(pieces[$0].id) }
    switch merges {
    case .ranked(let list):
      merges = .ranked(list.filter { !ids.contains($0.left) && !ids.contains($0.right) && !ids.contains($0.result) })
    case .scored(let scores): merges = .scored(kept.map { scores[$0] })
    }
    pieces = kept.map { pieces[$0] }
  }
}

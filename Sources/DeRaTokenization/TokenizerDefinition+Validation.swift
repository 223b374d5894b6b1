extension TokenizerDefinition {
  /// Checks that ids, pieces and merges fit together.
  /// - Throws: `TokenizerError.invalidDefinition` naming the first contradiction.
  func validated() throws(TokenizerError) {
    let known = try knownIDs()
    try validateLengths()
    try validateAddedTokens(known)
    try validateMerges()
    for id in [unknownID, bosID, eosID, padID] + prefixIDs + suffixIDs {
      if let id, id < 0 || Int(id) >= known.count || !known[Int(id)] {
        throw .invalidDefinition("the special token id \(id) is not in the vocabulary")
      }
    }
  }

  private func validateLengths() throws(TokenizerError) {
    func check(_ what: @autoclosure () -> String, _ bytes: Int, _ limit: Int) throws(TokenizerError) {
      guard bytes <= limit else {
        throw .invalidDefinition("\(what()) has \(bytes) bytes, at most \(limit) are taken")
      }
    }
    for piece in pieces { try check("the vocabulary entry \(piece.id)", piece.bytes.count, Self.maximumPieceBytes) }
    for token in addedTokens {
      try check("the added token \(token.id)", token.content.count, Self.maximumAddedTokenBytes)
    }
    for case .literal(let bytes)? in (normalizer + preTokenizer).map(\.pattern) {
      try check("a literal to look for", bytes.count, Self.maximumLiteralBytes)
    }
  }

  /// Ids in the vocabulary and among the added tokens, up to the highest.
  var idCount: Int {
    let highest = max(pieces.lazy.map(\.id).max() ?? -1, addedTokens.lazy.map(\.id).max() ?? -1)
    return Int(highest) + 1
  }

  private func knownIDs() throws(TokenizerError) -> [Bool] {
    for id in pieces.lazy.map(\.id) where id < 0 || Int(id) >= TokenizerImage.maximumPieces {
      throw .invalidDefinition("the token id \(id) is outside 0..<\(TokenizerImage.maximumPieces)")
    }
    for token in addedTokens where token.id < 0 || Int(token.id) >= TokenizerImage.maximumPieces {
      throw .invalidDefinition("the added token id \(token.id) is outside 0..<\(TokenizerImage.maximumPieces)")
    }
    var known = [Bool](repeating: false, count: idCount)
    for piece in pieces {
      guard !known[Int(piece.id)] else { throw .invalidDefinition("two vocabulary entries have the id \(piece.id)") }
      known[Int(piece.id)] = true
    }
    for token in addedTokens { known[Int(token.id)] = true }
    guard !pieces.isEmpty else { throw .invalidDefinition("the vocabulary is empty") }
    return known
  }

  private func validateAddedTokens(_ known: [Bool]) throws(TokenizerError) {
    var added: Set<Int32> = []
    for token in addedTokens {
      guard !token.content.isEmpty else { throw .invalidDefinition("the added token \(token.id) is empty") }
      guard token.content.withUnsafeBytes(UTF8Text.isValid) else {
        throw .invalidDefinition("the added token \(token.id) is not valid UTF-8")
      }
      guard added.insert(token.id).inserted else {
        throw .invalidDefinition("two added tokens have the id \(token.id)")
      }
    }
  }

  private func validateMerges() throws(TokenizerError) {
    switch merges {
    case .scored(let scores):
      guard scores.count == pieces.count else {
        throw .invalidDefinition("there are \(scores.count) scores for \(pieces.count) vocabulary entries")
      }
      if let index = scores.firstIndex(where: \.isNaN) {
        throw .invalidDefinition("the score of the token \(pieces[index].id) is not a number")
      }
    case .ranked(let merges):
      var bytes = [[UInt8]?](repeating: nil, count: idCount)
      for piece in pieces { bytes[Int(piece.id)] = piece.bytes }
      for (rank, merge) in merges.enumerated() {
        for id in [merge.left, merge.right, merge.result]
        where id < 0 || Int(id) >= bytes.count || bytes[Int(id)] == nil {
          throw .invalidDefinition("merge \(rank) names the token \(id), which is not in the vocabulary")
        }
        if let left = bytes[Int(merge.left)], let right = bytes[Int(merge.right)],
          left + right != bytes[Int(merge.result)]
        {
          throw .invalidDefinition("merge \(rank) of \(merge.left) and \(merge.right) does not make \(merge.result)")
        }
      }
    }
  }
}

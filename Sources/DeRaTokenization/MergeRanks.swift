extension TokenizerDefinition {
  /// The merges in order of rank, worked out from the scores where the checkpoint has scores.
  func rankedMerges() -> [Merge] {
    switch merges {
    case .ranked(let merges): merges
    case .scored(let scores): Self.merges(pieces: pieces, scores: scores)
    }
  }

  /// Every way to cut a piece into two pieces, the best score first; within a piece the longest left part first. This is
  /// how `transformers` turns a SentencePiece vocabulary into merges (`generate_merges` with scores).
  private static func merges(pieces: [Piece], scores: [Float]) -> [Merge] {
    struct Candidate {
      var merge: Merge
      var score: Float
      var leftScalars: Int32
      var rightScalars: Int32
    }
    var ids: [[UInt8]: Int32] = [:]
    ids.reserveCapacity(pieces.count)
    for piece in pieces where piece.role == .text { ids[piece.bytes] = piece.id }
    var candidates: [Candidate] = []
    for (piece, score) in zip(pieces, scores) where piece.role == .text {
      let scalars = piece.bytes.count { !$0.isContinuation }
      var left: Int32 = 0
      var local: [Candidate] = []
      for cut in piece.bytes.indices where !piece.bytes[cut].isContinuation {
        if cut > 0, let leftID = ids[Array(piece.bytes[..<cut])], let rightID = ids[Array(piece.bytes[cut...])] {
          local.append(
            Candidate(
              merge: Merge(left: leftID, right: rightID, result: piece.id), score: score, leftScalars: left,
              rightScalars: Int32(scalars) - left))
        }
        left += 1
      }
      candidates += local.sorted { ($0.merge.left, $0.merge.right) < ($1.merge.left, $1.merge.right) }
    }
    // The standard library's sort is stable, as Python's is.
    return candidates.sorted {
      ($0.score, $0.leftScalars, $0.rightScalars) > ($1.score, $1.leftScalars, $1.rightScalars)
    }.map(\.merge)
  }
}

extension UInt8 {
  /// A byte within a UTF-8 sequence, not its first.
  fileprivate var isContinuation: Bool { self & 0xC0 == 0x80 }
}

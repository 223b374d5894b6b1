/// Why a session cannot go on.
package enum SessionError: Error, Equatable, CustomStringConvertible {
  /// `tokens` would be in the sequence, `limit` fit.
  case contextFull(tokens: Int, limit: Int)
  case invalidToken(Int32, vocabularySize: Int)
  case outOfMemory(String)
  /// Logits were asked for before any token.
  case empty
  /// `shouldContinue` ended a long computation.
  case cancelled

  package var description: String {
    switch self {
    case .contextFull(let tokens, let limit):
      "\(tokens) tokens do not fit in the context of \(limit)"
    case .invalidToken(let id, let size):
      "token id \(id) is not in the vocabulary; ids are 0 to \(size - 1)"
    case .outOfMemory(let what): what
    case .cancelled: "stopped before the end"
    case .empty: "there is no token to continue; give a prompt"
    }
  }
}

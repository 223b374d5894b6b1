/// A tokenizer as plain data: what the readers of checkpoint files produce and what `compiled()` turns into an image.
package struct TokenizerDefinition: Sendable, Equatable {
  /// How a word becomes the first symbols that merges then join.
  package enum Kind: UInt8, Sendable, Equatable {
    /// One symbol a byte.
    case byteLevelBPE
    /// One symbol a Unicode scalar; scalars without a piece fall back to bytes or to the unknown token.
    case sentencePieceBPE
  }

  /// The purpose of a vocabulary entry.
  package enum Role: Sendable, Equatable {
    /// The model may produce it from text.
    case text
    /// Stands for one byte of a scalar that has no piece of its own (`<0x0A>`).
    case byte(UInt8)
    /// Never produced from text by the model: control tokens, added tokens, unused entries.
    case reserved
  }

  package struct Piece: Sendable, Equatable {
    package var id: Int32
    /// The bytes it stands for in byte-level models, its spelling in the vocabulary otherwise.
    package var bytes: [UInt8]
    package var role: Role

    package init(id: Int32, bytes: [UInt8], role: Role = .text) {
      self.id = id
      self.bytes = bytes
      self.role = role
    }
  }

  /// `left` followed by `right` becomes `result`.
  package struct Merge: Sendable, Equatable {
    package var left: Int32
    package var right: Int32
    package var result: Int32

    package init(left: Int32, right: Int32, result: Int32) {
      self.left = left
      self.right = right
      self.result = result
    }
  }

  /// The order in which neighbours are joined.
  package enum Merges: Sendable, Equatable {
    /// Merges in order of rank, best first.
    case ranked([Merge])
    /// Any two neighbours whose concatenation is a piece may be joined, the piece of the highest score first
    /// (SentencePiece). One score for each entry of `pieces`.
    case scored([Float])
  }

  /// A token recognised in the text before the model sees it.
  package struct AddedToken: Sendable, Equatable {
    package var id: Int32
    /// The text that is looked for, UTF-8.
    package var content: [UInt8]
    /// Left out of decoded text on demand, and only recognised where the caller allows special tokens.
    package var isSpecial: Bool
    /// Takes the white space before it along.
    package var stripsLeft = false
    /// Takes the white space after it along.
    package var stripsRight = false
    /// Recognised only as a whole word.
    package var isSingleWord = false
    /// Looked for in the normalised text, as its normalised content.
    package var isNormalized = false

    package init(id: Int32, content: [UInt8], isSpecial: Bool) {
      self.id = id
      self.content = content
      self.isSpecial = isSpecial
    }
  }

  /// How tokens become text again.
  package struct Decoder: Sendable, Equatable {
    /// Applied to each token.
    package enum Step: Sendable, Equatable {
      case replaced([UInt8], with: [UInt8])
      /// Removes up to that many `unit` at the start and the end.
      case stripped(unit: [UInt8], start: Int, stop: Int)
      /// Replaces `unit` by a space, and by nothing in the first token if `dropsFirst` (`Metaspace`).
      case metaspace(unit: [UInt8], dropsFirst: Bool)
    }

    package var steps: [Step] = []
    /// Runs of byte tokens become text, one U+FFFD a byte where they are not valid UTF-8.
    package var joinsBytes = false
    /// Removed at the ends of the whole text, after everything else (`Fuse`, then `Strip`).
    package var strippedUnit: [UInt8] = []
    package var strippedAtStart = 0
    package var strippedAtEnd = 0

    package init() {}
  }

  /// Bytes of the longest entry of a vocabulary, of an added token and of a literal to look for. What they cost grows with
  /// their length; real ones have up to some hundred.
  package static let maximumPieceBytes = 1024
  package static let maximumAddedTokenBytes = 512
  package static let maximumLiteralBytes = 256

  package var kind: Kind
  package var pieces: [Piece]
  package var merges: Merges
  package var addedTokens: [AddedToken] = []
  package var normalizer: [TextStep] = []
  package var preTokenizer: [TextStep] = []
  package var decoder = Decoder()
  /// A word that is a piece is taken as it is, whatever the merges would make of it (Llama 3).
  package var ignoresMerges = false
  /// Scalars without a piece become byte tokens.
  package var fallsBackToBytes = false
  /// Neighbouring unknown scalars become one unknown token.
  package var fusesUnknown = false
  package var unknownID: Int32?
  package var bosID: Int32?
  package var eosID: Int32?
  package var padID: Int32?
  /// Ids that `addSpecial` puts before the text.
  package var prefixIDs: [Int32] = []
  /// Ids that `addSpecial` puts after the text.
  package var suffixIDs: [Int32] = []

  package init(kind: Kind, pieces: [Piece], merges: Merges) {
    self.kind = kind
    self.pieces = pieces
    self.merges = merges
  }
}

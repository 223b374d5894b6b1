/// A tokenizer as plain data: what the readers of checkpoint files produce and what `compiled()` turns into an image.
public struct TokenizerDefinition: Sendable, Equatable {
  /// How a word becomes the first symbols that merges then join.
  public enum Kind: UInt8, Sendable, Equatable {
    /// One symbol a byte.
    case byteLevelBPE
    /// One symbol a Unicode scalar; scalars without a piece fall back to bytes or to the unknown token.
    case sentencePieceBPE
  }

  /// What a vocabulary entry is for.
  public enum Role: Sendable, Equatable {
    /// The model may produce it from text.
    case text
    /// Stands for one byte of a scalar that has no piece of its own (`<0x0A>`).
    case byte(UInt8)
    /// Never produced from text by the model: control tokens, added tokens, unused entries.
    case reserved
  }

  public struct Piece: Sendable, Equatable {
    public var id: Int32
    /// For byte-level models the bytes it stands for, otherwise its spelling in the vocabulary.
    public var bytes: [UInt8]
    public var role: Role

    public init(id: Int32, bytes: [UInt8], role: Role = .text) {
      self.id = id
      self.bytes = bytes
      self.role = role
    }
  }

  /// `left` followed by `right` becomes `result`.
  public struct Merge: Sendable, Equatable {
    public var left: Int32
    public var right: Int32
    public var result: Int32

    public init(left: Int32, right: Int32, result: Int32) {
      self.left = left
      self.right = right
      self.result = result
    }
  }

  /// What decides which neighbours are joined first.
  public enum Merges: Sendable, Equatable {
    /// In order of rank, best first.
    case ranked([Merge])
    /// Any two neighbours whose concatenation is a piece may be joined, the piece of the highest score first
    /// (SentencePiece). One score for each entry of `pieces`.
    case scored([Float])
  }

  /// A token recognised in the text before the model sees it.
  public struct AddedToken: Sendable, Equatable {
    public var id: Int32
    /// What is looked for, UTF-8.
    public var content: [UInt8]
    /// Left out of decoded text on demand, and only recognised where the caller allows special tokens.
    public var isSpecial: Bool
    /// Takes the white space before it along.
    public var stripsLeft = false
    /// Takes the white space after it along.
    public var stripsRight = false
    /// Recognised only as a whole word.
    public var isSingleWord = false
    /// Looked for in the normalised text, as its normalised content.
    public var isNormalized = false

    public init(id: Int32, content: [UInt8], isSpecial: Bool) {
      self.id = id
      self.content = content
      self.isSpecial = isSpecial
    }
  }

  /// How tokens become text again.
  public struct Decoder: Sendable, Equatable {
    /// Applied to each token.
    public enum Step: Sendable, Equatable {
      case replaced([UInt8], with: [UInt8])
      /// Removes up to that many `unit` at the start and the end.
      case stripped(unit: [UInt8], start: Int, stop: Int)
      /// Replaces `unit` by a space, and by nothing in the first token if `dropsFirst` (`Metaspace`).
      case metaspace(unit: [UInt8], dropsFirst: Bool)
    }

    public var steps: [Step] = []
    /// Runs of byte tokens become text, one U+FFFD a byte where they are not valid UTF-8.
    public var joinsBytes = false
    /// Removed at the ends of the whole text, after everything else (`Fuse`, then `Strip`).
    public var strippedUnit: [UInt8] = []
    public var strippedAtStart = 0
    public var strippedAtEnd = 0

    public init() {}
  }

  public var kind: Kind
  public var pieces: [Piece]
  public var merges: Merges
  public var addedTokens: [AddedToken] = []
  public var normalizer: [TextStep] = []
  public var preTokenizer: [TextStep] = []
  public var decoder = Decoder()
  /// A word that is a piece is taken as it is, whatever the merges would make of it (Llama 3).
  public var ignoresMerges = false
  /// Scalars without a piece become byte tokens.
  public var fallsBackToBytes = false
  /// Neighbouring unknown scalars become one unknown token.
  public var fusesUnknown = false
  public var unknownID: Int32?
  public var bosID: Int32?
  public var eosID: Int32?
  public var padID: Int32?
  /// Ids that `addSpecial` puts before the text.
  public var prefixIDs: [Int32] = []
  /// Ids that `addSpecial` puts after the text.
  public var suffixIDs: [Int32] = []

  public init(kind: Kind, pieces: [Piece], merges: Merges) {
    self.kind = kind
    self.pieces = pieces
    self.merges = merges
  }
}

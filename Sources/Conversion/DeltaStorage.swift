import TensorCore

/// How what an aligned model changes of a matrix is stored.
public enum DeltaStorage: Sendable, Equatable {
  /// Its whole matrix, as the reference's is.
  case own
  /// The difference, packed.
  case packed(PackedCodec)
  /// The product of two factors that is nearest to the difference.
  case lowRank(Int)

  public static let rule = "own, int8, int6, int4, int2, ternary, sign or lowrank:R"
  private static let rankLimit = 1024

  /// The names that `rule` lists; nil for others.
  public init?(_ text: String) {
    switch text {
    case "own": self = .own
    case "sign": self = .packed(.int1)
    case "int8", "int6", "int4", "int2", "ternary":
      guard let codec = PackedCodec(rawValue: text) else { return nil }
      self = .packed(codec)
    default:
      guard text.hasPrefix("lowrank:"), let rank = Int(text.dropFirst("lowrank:".count)),
        (1...Self.rankLimit).contains(rank)
      else { return nil }
      self = .lowRank(rank)
    }
  }

  public var name: String {
    switch self {
    case .own: "own"
    case .packed(.int1): "sign"
    case .packed(let codec): codec.rawValue
    case .lowRank(let rank): "lowrank:\(rank)"
    }
  }
}

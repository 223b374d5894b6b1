import DeRaBundle
import DeRaTensorCore

/// The stored form of an aligned model's matrix.
package enum DeltaStorage: Sendable, Equatable, Hashable {
  /// Nothing: the model uses the reference's matrix.
  case shared
  /// The whole matrix, in the reference's codec.
  case own
  /// The difference, packed.
  case packed(PackedCodec)
  /// The product of two factors that is nearest to the difference.
  case lowRank(Int)

  package static let syntax = "own, \(codecs.map(\.rawValue).joined(separator: ", ")), sign or lowrank:R"
  /// Codecs that have their own names here.
  private static let codecs = PackedCodec.allCases.filter { $0 != .int1 }
  private static let rankLimit = 1024

  /// The names that `syntax` lists, and `shared`; nil for others.
  package init?(_ text: String) {
    switch text {
    case "shared": self = .shared
    case "own": self = .own
    case "sign": self = .packed(.int1)
    case _ where Self.codecs.contains(where: { $0.rawValue == text }):
      guard let codec = PackedCodec(rawValue: text) else { return nil }
      self = .packed(codec)
    default:
      guard text.hasPrefix("lowrank:"), let rank = Int(text.dropFirst("lowrank:".count)),
        (1...Self.rankLimit).contains(rank)
      else { return nil }
      self = .lowRank(rank)
    }
  }

  package var name: String {
    switch self {
    case .shared: "shared"
    case .own: "own"
    case .packed(.int1): "sign"
    case .packed(let codec): codec.rawValue
    case .lowRank(let rank): "lowrank:\(rank)"
    }
  }
}

extension DeltaStorage {
  /// The tensors that this way stores.
  ///
  /// - Parameter whole: the model's own matrix, stored as the reference's is.
  /// - Returns: nothing where it is shared; nil where this would take more bytes than the whole matrix.
  /// - Throws: `TensorError` when a matrix of this shape cannot be stored.
  func tensors(insteadOf whole: BundleTensor) throws(TensorError) -> [BundleTensor]? {
    func part(_ part: TensorPart, _ codec: PackedCodec) throws(TensorError) -> BundleTensor {
      try BundleTensor(spec: whole.spec, model: whole.model, part: part, codec: .packed(codec))
    }
    switch self {
    case .shared: return []
    case .own: return [whole]
    case .packed(let codec):
      let delta = try part(.delta, codec)
      return delta.byteCount <= whole.byteCount ? [delta] : nil
    // a in 8 bits, b in half precision.
    case .lowRank(let wanted):
      let rank = min(wanted, whole.rows, whole.columns)
      let factors = [try part(.loraA(rank: rank), .int8), try part(.loraB(rank: rank), .f16)]
      return factors.reduce(0) { $0 + $1.byteCount } < whole.byteCount ? factors : nil
    }
  }
}

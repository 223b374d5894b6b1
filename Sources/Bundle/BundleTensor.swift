import GGUF
import ModelSpec
import TensorCore

/// How a tensor of a bundle is stored.
public enum BundleCodec: Sendable, Equatable {
  /// A matrix in `PackedLayout` order.
  case packed(PackedCodec)
  /// A vector of 32-bit floats.
  case f32

  /// The raw value of a `PackedCodec`, or `f32`.
  public var name: String {
    switch self {
    case .packed(let codec): codec.rawValue
    case .f32: "f32"
    }
  }

  public init?(name: String) {
    if name == "f32" {
      self = .f32
    } else if let codec = PackedCodec(rawValue: name) {
      self = .packed(codec)
    } else {
      return nil
    }
  }
}

/// One stored tensor of one model of a bundle.
public struct BundleTensor: Sendable, Equatable {
  public let spec: TensorSpec
  /// The model it belongs to, 0 for the reference.
  public let model: Int
  public let codec: BundleCodec
  /// The 16 values of int4 codes; nil for the linear table and for other codecs.
  public let table: [Int8]?
  /// SHA-256 of the stored bytes, 64 lower-case hexadecimal digits.
  public var sha256: String
  /// Where its bytes lie in the file; empty before the file is written.
  public internal(set) var byteRange: Range<Int>
  /// nil for a vector.
  public let layout: PackedLayout?

  /// - Throws: `TensorError` when a packed matrix cannot have this shape.
  public init(
    spec: TensorSpec, model: Int, codec: BundleCodec, table: [Int8]? = nil,
    sha256: String = String(repeating: "0", count: 64)
  ) throws(TensorError) {
    self.spec = spec
    self.model = model
    self.codec = codec
    self.table = table
    self.sha256 = sha256
    byteRange = 0..<0
    if case .packed(let packed) = codec {
      layout = try PackedLayout(codec: packed, rows: spec.rows, columns: spec.columns)
    } else {
      layout = nil
    }
  }

  /// The name it has in the file: that of the inventory, after `a1.`, `a2.` … for aligned models.
  public var fileName: String { model == 0 ? spec.name : "a\(model).\(spec.name)" }

  /// Weights it holds, padding not counted.
  public var weights: Int { spec.rows * spec.columns }

  /// Bytes it takes, padding to whole tiles and blocks included.
  public var byteCount: Int { layout?.byteCount ?? spec.rows * spec.columns * 4 }

  /// How the GGUF file declares it.
  var ggufType: GGMLType { layout == nil ? .f32 : .i8 }
  var ggufDimensions: [Int] { layout.map { [$0.tileBytes, $0.tiles] } ?? [spec.rows * spec.columns] }
}

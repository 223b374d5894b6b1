import DeRaGGUF
import DeRaModelSpec
import DeRaTensorCore

/// How a tensor of a bundle is stored.
package enum BundleCodec: Sendable, Equatable {
  /// A matrix in `PackedLayout` order.
  case packed(PackedCodec)
  /// A vector of 32-bit floats.
  case f32

  /// The raw value of a `PackedCodec`, or `f32`.
  package var name: String {
    switch self {
    case .packed(let codec): codec.rawValue
    case .f32: "f32"
    }
  }

  package init?(name: String) {
    if name == "f32" {
      self = .f32
    } else if let codec = PackedCodec(rawValue: name) {
      self = .packed(codec)
    } else {
      return nil
    }
  }
}

/// Which part of an inventory tensor a stored tensor is.
package enum TensorPart: Sendable, Equatable {
  /// All of it.
  case whole
  /// The difference that an aligned model adds to the reference's matrix, of the same shape.
  case delta
  /// The factors of a low-rank change b · a: `a` is `[rank, columns]`, `b` `[rows, rank]`.
  case loraA(rank: Int)
  case loraB(rank: Int)

  /// The ending of the tensor's name in the file.
  package var suffix: String {
    switch self {
    case .whole: ""
    case .delta: ".delta"
    case .loraA: ".lora_a"
    case .loraB: ".lora_b"
    }
  }
}

/// One stored tensor of one model of a bundle.
package struct BundleTensor: Sendable, Equatable {
  package let spec: TensorSpec
  /// Which part of `spec` it is.
  package let part: TensorPart
  /// The model it belongs to, 0 for the reference.
  package let model: Int
  package let codec: BundleCodec
  /// The 16 values of int4 codes; nil for the linear table and for other codecs.
  package let table: [Int8]?
  /// SHA-256 of the stored bytes, 64 lower-case hexadecimal digits.
  package var sha256: String
  /// Where its bytes lie in the file; empty before the file is written.
  package internal(set) var byteRange: Range<Int>
  /// nil for a vector.
  package let layout: PackedLayout?

  /// - Throws: `TensorError` when a packed matrix cannot have this shape.
  package init(
    spec: TensorSpec, model: Int, part: TensorPart = .whole, codec: BundleCodec, table: [Int8]? = nil,
    sha256: String = String(repeating: "0", count: 64)
  ) throws(TensorError) {
    self.spec = spec
    self.model = model
    self.part = part
    self.codec = codec
    self.table = table
    self.sha256 = sha256
    byteRange = 0..<0
    if case .packed(let packed) = codec {
      let shape = Self.shape(of: part, spec)
      layout = try PackedLayout(codec: packed, rows: shape.rows, columns: shape.columns)
    } else {
      layout = nil
    }
  }

  /// The name it has in the file: that of the inventory, after `a1.`, `a2.` … for aligned models, and before `.delta`,
  /// `.lora_a` or `.lora_b` for changes.
  package var fileName: String { Self.fileName(spec.name, model: model, part.suffix) }

  /// The name for people, who are told the model beside it.
  package var name: String { spec.name + part.suffix }

  static func fileName(_ name: String, model: Int, _ suffix: String) -> String {
    model == 0 ? name : "a\(model).\(name)\(suffix)"
  }

  package var rows: Int { Self.shape(of: part, spec).rows }
  package var columns: Int { Self.shape(of: part, spec).columns }

  /// Weights it holds, padding not counted.
  package var weights: Int { rows * columns }

  /// Bytes it takes, padding to whole tiles and blocks included.
  package var byteCount: Int { layout?.byteCount ?? weights * 4 }

  private static func shape(of part: TensorPart, _ spec: TensorSpec) -> (rows: Int, columns: Int) {
    switch part {
    case .whole, .delta: (spec.rows, spec.columns)
    case .loraA(let rank): (rank, spec.columns)
    case .loraB(let rank): (spec.rows, rank)
    }
  }

  /// How the GGUF file declares it.
  var ggufType: GGMLType { layout == nil ? .f32 : .i8 }
  var ggufDimensions: [Int] { layout.map { [$0.tileBytes, $0.tiles] } ?? [weights] }
}

import DeRaTensorCore

/// How the elements of a GGUF tensor are coded; raw values are the file's.
///
/// The cases keep ggml's names, so that they can be found there.
// swift-format-ignore: AlwaysUseLowerCamelCase
package enum GGMLType: UInt32, Sendable, CaseIterable {
  case f32 = 0
  case f16 = 1
  case q4_0 = 2
  case q4_1 = 3
  case q5_0 = 6
  case q5_1 = 7
  case q8_0 = 8
  case q8_1 = 9
  case q2_K = 10
  case q3_K = 11
  case q4_K = 12
  case q5_K = 13
  case q6_K = 14
  case q8_K = 15
  case iq2_XXS = 16
  case iq2_XS = 17
  case iq3_XXS = 18
  case iq1_S = 19
  case iq4_NL = 20
  case iq3_S = 21
  case iq2_S = 22
  case iq4_XS = 23
  case i8 = 24
  case i16 = 25
  case i32 = 26
  case i64 = 27
  case f64 = 28
  case iq1_M = 29
  case bf16 = 30
  case tq1_0 = 34
  case tq2_0 = 35
  case mxfp4 = 39
  case nvfp4 = 40
  case q1_0 = 41

  /// The name that other tools print: `Q4_K`.
  package var name: String { "\(self)".uppercased() }

  /// Elements of a row are coded in blocks of this many; a row is a whole number of blocks.
  package var blockElements: Int { block.elements }
  /// Bytes of one block.
  package var blockBytes: Int { block.bytes }

  /// Bytes of a tensor's data; `dimensions` in ggml's order, fastest first.
  /// - Throws: `TensorError.badShape` when a row is not a whole number of blocks, `.overflow` when the number of elements
  ///   or of bytes does not fit in `Int`.
  package func byteCount(of dimensions: [Int]) throws(TensorError) -> Int {
    let columns = dimensions.first ?? 1
    guard columns % blockElements == 0 else {
      throw .badShape("\(name) needs rows of a multiple of \(blockElements) elements, not \(columns)")
    }
    // The elements must be countable too, however few bits each takes.
    _ = try CheckedSize.product(of: dimensions)
    return try CheckedSize.product(of: [columns / blockElements, blockBytes] + dimensions.dropFirst())
  }

  /// Sizes in bytes are written as the parts of a block: scales and minima, high bits, low bits.
  private var block: (elements: Int, bytes: Int) {
    switch self {
    case .i8: (1, 1)
    case .f16, .bf16, .i16: (1, 2)
    case .f32, .i32: (1, 4)
    case .f64, .i64: (1, 8)
    case .q4_0: (32, 2 + 16)
    case .q4_1: (32, 4 + 16)
    case .q5_0: (32, 2 + 4 + 16)
    case .q5_1: (32, 4 + 4 + 16)
    case .q8_0: (32, 2 + 32)
    case .q8_1: (32, 4 + 32)
    case .q2_K: (256, 16 + 64 + 4)
    case .q3_K: (256, 32 + 64 + 12 + 2)
    case .q4_K: (256, 4 + 12 + 128)
    case .q5_K: (256, 4 + 12 + 32 + 128)
    case .q6_K: (256, 128 + 64 + 16 + 2)
    case .q8_K: (256, 4 + 256 + 32)
    case .iq2_XXS: (256, 2 + 64)
    case .iq2_XS: (256, 2 + 64 + 8)
    case .iq3_XXS: (256, 2 + 64 + 32)
    case .iq1_S: (256, 2 + 32 + 16)
    case .iq4_NL: (32, 2 + 16)
    case .iq3_S: (256, 2 + 64 + 8 + 32 + 4)
    case .iq2_S: (256, 2 + 64 + 16)
    case .iq4_XS: (256, 2 + 2 + 128 + 4)
    case .iq1_M: (256, 32 + 16 + 8)
    case .tq1_0: (256, 2 + 4 * 13)
    case .tq2_0: (256, 2 + 64)
    case .mxfp4: (32, 1 + 16)
    case .nvfp4: (64, 4 + 32)
    case .q1_0: (128, 2 + 16)
    }
  }
}

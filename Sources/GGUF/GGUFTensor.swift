/// A tensor of a GGUF file.
public struct GGUFTensor: Sendable, Equatable {
  public let name: String
  public let type: GGMLType
  /// ggml's order, fastest first: a matrix is `[columns, rows]`. One to four, all positive.
  public let dimensions: [Int]
  /// Where its data lies in the file.
  public let byteRange: Range<Int>

  /// Width of a row.
  public var columns: Int { dimensions.first ?? 1 }
  /// Rows of all higher dimensions together: 1 for a vector.
  public var rows: Int { dimensions.dropFirst().reduce(1, *) }
}

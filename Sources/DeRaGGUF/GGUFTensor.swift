/// A tensor of a GGUF file.
package struct GGUFTensor: Sendable, Equatable {
  package let name: String
  package let type: GGMLType
  /// ggml's order, fastest first: a matrix is `[columns, rows]`. One to four, all positive.
  package let dimensions: [Int]
  /// Where its data lies in the file.
  package let byteRange: Range<Int>

  /// Width of a row.
  package var columns: Int { dimensions.first ?? 1 }
  /// Rows of all higher dimensions together: 1 for a vector.
  package var rows: Int { dimensions.dropFirst().reduce(1, *) }
}

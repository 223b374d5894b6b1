import DeRaGGUF

/// A tensor of a GGUF model, dequantised as it is read.
package struct GGUFTensorSource: TensorSource {
  let file: GGUFFile
  let tensor: GGUFTensor
  package let rows: Int
  package let columns: Int
  private let decode: Dequantization.Decoder

  /// - Parameter expected: `[columns, rows]` of a matrix, `[rows]` of a vector.
  /// - Throws: `CheckpointError` when the shape is another or the type is not supported.
  package init(file: GGUFFile, tensor: GGUFTensor, dimensions expected: [Int]) throws(CheckpointError) {
    let isMatrix = expected.count == 2
    let padding = tensor.dimensions.dropFirst(expected.count)
    guard tensor.dimensions.starts(with: expected), padding.allSatisfy({ $0 == 1 }) else {
      throw CheckpointError(
        path: file.path, subject: tensor.name, problem: "dimensions \(tensor.dimensions)",
        expected: "\(expected) by the metadata", remedy: "Convert the model again with a current converter.")
    }
    // A part of a vector is read by elements, a matrix by whole rows, which are whole blocks.
    guard let decode = Dequantization.decoder(for: tensor.type), isMatrix || tensor.type.blockElements == 1 else {
      let names = Dequantization.supportedTypes.filter { isMatrix || $0.blockElements == 1 }.map(\.name)
      throw CheckpointError(
        path: file.path, subject: tensor.name, problem: "type \(tensor.type.name)",
        expected: names.joined(separator: ", "), remedy: "Quantise the original model to one of these types.")
    }
    self.file = file
    self.tensor = tensor
    self.decode = decode
    rows = isMatrix ? tensor.rows : tensor.columns
    columns = isMatrix ? tensor.columns : 1
  }

  package func read(rows range: Range<Int>, into output: UnsafeMutableBufferPointer<Float>) throws(CheckpointError) {
    try checkRead(range, output, path: file.path, tensor: tensor.name)
    guard let data = file.bytes(of: tensor).baseAddress, let target = output.baseAddress else { return }
    let rowBlocks = columns / tensor.type.blockElements
    decode(data + range.lowerBound * rowBlocks * tensor.type.blockBytes, range.count * rowBlocks, target)
  }

  package func release() { file.file.drop(tensor.byteRange) }

  package var quantisation: Quantisation? {
    switch tensor.type {
    case .q4_0, .q4_1, .q4_K: Quantisation(block: 32, levels: 15)
    case .q5_0, .q5_1, .q5_K: Quantisation(block: 32, levels: 31)
    case .q8_0: Quantisation(block: 32, levels: 254)
    case .q2_K: Quantisation(block: 16, levels: 3)
    case .q3_K: Quantisation(block: 16, levels: 7)
    case .q6_K: Quantisation(block: 16, levels: 63)
    default: nil
    }
  }
}

/// Query or key rows (or biases) of a llama-family GGUF in our order.
///
/// Such files turn neighbouring rows `2i` and `2i + 1` of a head; we turn rows `i` and `i + headDim/2`, as Hugging Face
/// does, so those two are where the file's neighbours go.
struct HalfSplitRows: TensorSource {
  let base: any TensorSource
  let headDim: Int

  var rows: Int { base.rows }
  var columns: Int { base.columns }

  func read(rows range: Range<Int>, into output: UnsafeMutableBufferPointer<Float>) throws(CheckpointError) {
    for (index, row) in range.enumerated() {
      let head = row / headDim
      let (half, pair) = (row % headDim).quotientAndRemainder(dividingBy: headDim / 2)
      let stored = head * headDim + 2 * pair + half
      let slot = UnsafeMutableBufferPointer(rebasing: output.dropFirst(index * columns).prefix(columns))
      try base.read(rows: stored..<stored + 1, into: slot)
    }
  }

  func release() { base.release() }
}

import DeRaKernels
import DeRaMeasuring
import DeRaTensorCore

/// A matrix over some of `StreamingRead.bytes`, input columns in float and int8, and room for the product.
struct Product {
  let matrix: PackedMatrix
  let input: Panel
  let codes: QuantizedPanel
  let output: Panel

  /// - Parameter rows: nil: as many as the memory holds.
  init(codec: PackedCodec, rows: Int?, width: Int, columns: Int, engine: Engine) throws {
    let tile = try PackedLayout(codec: codec, rows: PackedLayout.tileRows, columns: width)
    let fitting = StreamingRead.byteCount / tile.tileBytes * PackedLayout.tileRows
    let layout = try PackedLayout(codec: codec, rows: min(rows ?? fitting, fitting), columns: width)
    matrix = PackedMatrix(layout: layout, bytes: StreamingRead.bytes)
    let values = UnsafeMutablePointer<Float>.allocate(capacity: columns * width)
    for index in 0..<columns * width { values[index] = Float(index % 17) - 8 }
    input = Panel(values: values, width: width, columns: columns)
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: QuantizedPanel.byteCount(columns: columns, width: width), alignment: 64)
    codes = QuantizedPanel(memory: memory, columns: columns, width: width)
    engine.quantize(input, into: codes)
    let results = UnsafeMutablePointer<Float>.allocate(capacity: columns * layout.paddedRows)
    results.initialize(repeating: 0, count: columns * layout.paddedRows)
    output = Panel(values: results, width: layout.rows, stride: layout.paddedRows, columns: columns)
  }

  /// Multiplications and additions of one product.
  var operations: Int { 2 * matrix.layout.rows * matrix.layout.columns * output.columns }

  func run(_ engine: Engine) {
    engine.matmul(
      MatmulTask(matrix: matrix, columns: 0..<output.columns, input: input, codes: codes, output: output))
  }

  func deallocate() {
    input.values.deallocate()
    UnsafeMutableRawPointer(codes.codes).deallocate()
    output.values.deallocate()
  }
}

internal import CDeRaKernels
import DeRaTensorCore

/// f32 activations `[columns, stride]`, the first `width` of each column in use; a view that owns nothing.
package struct Panel: @unchecked Sendable {
  package let values: UnsafeMutablePointer<Float>
  package let width: Int
  /// Elements from one column to the next, at least `width`.
  package let stride: Int
  package let columns: Int

  /// - Parameter stride: `width` if not given.
  package init(values: UnsafeMutablePointer<Float>, width: Int, stride: Int? = nil, columns: Int) {
    self.values = values
    self.width = width
    self.stride = stride ?? width
    self.columns = columns
    precondition(self.stride >= width, "columns overlap")
  }

  package func column(_ index: Int) -> UnsafeMutablePointer<Float> { values + index * stride }

  /// The same memory seen as these columns only, counted from 0.
  package func slice(columns range: Range<Int>) -> Panel {
    precondition(range.lowerBound >= 0 && range.upperBound <= columns, "columns outside the panel")
    return Panel(values: column(range.lowerBound), width: width, stride: stride, columns: range.count)
  }

  /// The same memory seen as elements `range` of every column.
  package func slice(rows range: Range<Int>) -> Panel {
    precondition(range.lowerBound >= 0 && range.upperBound <= width, "rows outside the panel")
    return Panel(values: values + range.lowerBound, width: range.count, stride: stride, columns: columns)
  }

  var view: ck_f32_panel { ck_f32_panel(values: values, stride: stride, columns: columns) }
}

/// A panel in int8: codes `[rows, paddedWidth]`, and for every 32 of them an f32 scale and the sum of the codes, both
/// `[rows, paddedWidth / 32]`. A view that owns nothing; `Engine.quantize` fills it.
package struct QuantizedPanel: @unchecked Sendable {
  package let codes: UnsafeMutablePointer<Int8>
  package let scales: UnsafeMutablePointer<Float>
  package let sums: UnsafeMutablePointer<Int32>
  package let width: Int
  package let columns: Int
  /// Rows of a column: 1, or 2 where what its codes leave of it follows them; together they have nearly 16 bits.
  package let planes: Int
  /// `[columns + 1]`, where each column's rows start; nil: all columns have `planes`.
  private let starts: UnsafePointer<Int32>?

  /// 32-element blocks in a column.
  package var blocks: Int { (width + PackedLayout.blockColumns - 1) / PackedLayout.blockColumns }
  package var paddedWidth: Int { blocks * PackedLayout.blockColumns }

  /// Bytes that `init(memory:columns:width:planes:)` needs.
  package static func byteCount(columns: Int, width: Int, planes: Int = 1) -> Int {
    let blocks = (width + PackedLayout.blockColumns - 1) / PackedLayout.blockColumns
    return columns * planes * blocks * (PackedLayout.blockColumns + MemoryLayout<Float>.size + MemoryLayout<Int32>.size)
  }

  /// - Parameters:
  ///   - memory: `byteCount(columns:width:planes:)` bytes, aligned to 4.
  ///   - starts: `[columns + 1]`, where fewer rows than `planes` are wanted of some columns: the first row of each.
  package init(
    memory: UnsafeMutableRawPointer, columns: Int, width: Int, planes: Int = 1, starts: UnsafePointer<Int32>? = nil
  ) {
    let blockCount = columns * planes * ((width + PackedLayout.blockColumns - 1) / PackedLayout.blockColumns)
    let codeCount = blockCount * PackedLayout.blockColumns
    let scaleBytes = blockCount * MemoryLayout<Float>.size
    self.codes = memory.bindMemory(to: Int8.self, capacity: codeCount)
    self.scales = (memory + codeCount).bindMemory(to: Float.self, capacity: blockCount)
    self.sums = (memory + codeCount + scaleBytes).bindMemory(to: Int32.self, capacity: blockCount)
    self.width = width
    self.columns = columns
    self.planes = planes
    self.starts = starts
  }

  /// The rows of a column.
  func rows(_ column: Int) -> Range<Int> { start(column)..<start(column + 1) }

  private func start(_ column: Int) -> Int { starts.map { Int($0[column]) } ?? column * planes }

  /// The rows of some columns.
  func view(columns range: Range<Int>) -> ck_int8_panel {
    let first = start(range.lowerBound)
    return ck_int8_panel(
      codes: codes + first * paddedWidth, scales: scales + first * blocks, sums: sums + first * blocks,
      columns: start(range.upperBound) - first)
  }
}

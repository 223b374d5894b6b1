internal import CDeRaKernels
import DeRaTensorCore

/// The gate's function in a gated feed-forward layer.
package enum GateActivation: Sendable {
  /// x / (1 + e^−x)
  case silu
  /// GELU in its tanh approximation.
  case geluTanh
}

/// Room for as many numbers a thread.
package struct ThreadScratch: @unchecked Sendable {
  /// `[threads, capacity]`
  private let values: UnsafeMutablePointer<Float>
  package let capacity: Int

  package init(values: UnsafeMutablePointer<Float>, capacity: Int) {
    self.values = values
    self.capacity = capacity
  }

  func of(_ thread: Int) -> UnsafeMutablePointer<Float> { values + thread * capacity }
}

extension Engine {
  /// Codes every column of `input` `[columns, width]` in int8: per 32 elements scale = max |x| / 127, codes rounded to
  /// nearest even, the last block padded with zeros. A block with a NaN or an infinity gets the scale NaN.
  /// - Parameters:
  ///   - output: a column with a second row gets there what the first leaves of it.
  ///   - references: `[columns]`, the column that each is coded as its difference from, or −1; nil for none.
  ///   - scratch: for differences and for second rows; at least `width`.
  package func quantize(
    _ input: Panel, into output: QuantizedPanel, references: UnsafePointer<Int32>? = nil, scratch: ThreadScratch? = nil
  ) {
    precondition(input.width == output.width && input.columns <= output.columns, "panels of different shapes")
    let needed = references != nil || output.planes > 1 ? input.width : 0
    precondition((scratch?.capacity ?? 0) >= needed, "scratch too small")
    let count = chunks(items: input.columns, elements: input.width)
    let job = QuantizeJob(
      kernels: kernels, input: input, output: output, references: references, scratch: scratch, chunks: count)
    pool.run(job, chunks: count)
  }

  /// output = input / √(mean(input²) + epsilon) · weight, column by column; `output` may be `input`.
  /// - Parameter weight: `[input.width]`
  package func rmsNorm(_ input: Panel, weight: UnsafePointer<Float>, epsilon: Float, into output: Panel) {
    precondition(input.width == output.width && input.columns <= output.columns, "panels of different shapes")
    let count = chunks(items: input.columns, elements: input.width)
    let job = NormJob(
      kernels: kernels, input: input, output: output, weight: weight, width: input.width, epsilon: epsilon,
      chunks: count)
    pool.run(job, chunks: count)
  }

  /// The RMS norm of every run of `headDim` elements of `panel` `[columns, heads · headDim]`, in place.
  /// - Parameter weight: `[headDim]`
  package func rmsNormHeads(_ panel: Panel, headDim: Int, weight: UnsafePointer<Float>, epsilon: Float) {
    precondition(headDim > 0 && panel.width % headDim == 0, "the panel's width is no multiple of headDim")
    let count = chunks(items: panel.columns, elements: panel.width)
    let job = NormJob(
      kernels: kernels, input: panel, output: panel, weight: weight, width: headDim, epsilon: epsilon, chunks: count)
    pool.run(job, chunks: count)
  }

  /// Rotates every head of `panel` `[columns, heads · headDim]` in place: the pair (i, i + headDim/2) of column c by the
  /// angle `rotations` has for (c, i).
  package func rope(_ panel: Panel, _ rotations: Rotations) {
    precondition(panel.width % (2 * rotations.half) == 0, "the panel's width is no multiple of headDim")
    precondition(panel.columns <= rotations.columns, "more columns than rotations")
    let count = chunks(items: panel.columns, elements: panel.width)
    let job = RopeJob(kernels: kernels, panel: panel, rotations: rotations.view, chunks: count)
    pool.run(job, chunks: count)
  }

  /// output = activation(gate) · up, element by element; `output` may be `gate` or `up`.
  package func gate(_ activation: GateActivation, gate: Panel, up: Panel, into output: Panel) {
    precondition(gate.width == up.width && gate.width == output.width, "panels of different widths")
    precondition(gate.columns == up.columns && gate.columns <= output.columns, "panels of different heights")
    let count = chunks(items: gate.columns, elements: gate.width * 4)
    let job = GateJob(kernels: kernels, activation: activation, gate: gate, up: up, output: output, chunks: count)
    pool.run(job, chunks: count)
  }

  /// target += factor · addend, as one fused operation an element.
  package func add(_ addend: Panel, times factor: Float = 1, to target: Panel) {
    precondition(addend.width == target.width && addend.columns <= target.columns, "panels of different shapes")
    for column in 0..<addend.columns {
      kernels.pointee.add_scaled(factor, addend.column(column), addend.width, target.column(column))
    }
  }

  /// Every column of `target` += bias.
  /// - Parameter bias: `[target.width]`
  package func addBias(_ bias: UnsafePointer<Float>, to target: Panel) {
    for column in 0..<target.columns {
      kernels.pointee.add_scaled(1, bias, target.width, target.column(column))
    }
  }

  /// panel *= factor
  package func scale(_ panel: Panel, by factor: Float) {
    for column in 0..<panel.columns {
      kernels.pointee.scale(factor, panel.column(column), panel.width, panel.column(column))
    }
  }

  /// f32 to f16, rounded to nearest even.
  package func narrow(_ source: UnsafePointer<Float>, count: Int, into target: UnsafeMutablePointer<UInt16>) {
    kernels.pointee.f32_to_f16(source, count, target)
  }

  /// f16 to f32.
  package func widen(_ source: UnsafePointer<UInt16>, count: Int, into target: UnsafeMutablePointer<Float>) {
    kernels.pointee.f16_to_f32(source, count, target)
  }
}

private struct QuantizeJob: ColumnJob {
  let kernels: UnsafePointer<ck_kernels>
  let input: Panel
  let output: QuantizedPanel
  let references: UnsafePointer<Int32>?
  let scratch: ThreadScratch?
  let chunks: Int
  var columns: Int { input.columns }

  func run(column: Int, thread: Int) {
    let values = input.column(column)
    let rows = output.rows(column)
    guard let scratch = scratch?.of(thread) else { return fill(rows.lowerBound, from: values) }
    var rest = values
    if let reference = references?[column], reference >= 0 {
      scratch.update(from: values, count: input.width)
      kernels.pointee.add_scaled(-1, input.column(Int(reference)), input.width, scratch)
      rest = scratch
    }
    for row in rows {
      if row > rows.lowerBound {
        subtract(row - 1, from: rest, into: scratch)
        rest = scratch
      }
      fill(row, from: rest)
    }
  }

  private func fill(_ row: Int, from values: UnsafePointer<Float>) {
    let blocks = row * output.blocks
    kernels.pointee.quantize(
      values, output.width, output.codes + row * output.paddedWidth, output.scales + blocks, output.sums + blocks)
  }

  /// remainder = values − what a row's codes stand for, `[width]`
  private func subtract(_ row: Int, from values: UnsafePointer<Float>, into remainder: UnsafeMutablePointer<Float>) {
    let codes = output.codes + row * output.paddedWidth
    for block in 0..<output.blocks {
      let scale = output.scales[row * output.blocks + block]
      let start = block * PackedLayout.blockColumns
      for index in start..<min(start + PackedLayout.blockColumns, output.width) {
        remainder[index] = values[index] - Float(codes[index]) * scale
      }
    }
  }
}

private struct NormJob: ColumnJob {
  let kernels: UnsafePointer<ck_kernels>
  let input: Panel
  let output: Panel
  let weight: UnsafePointer<Float>
  /// Elements normalised together.
  let width: Int
  let epsilon: Float
  let chunks: Int
  var columns: Int { input.columns }

  func run(column: Int, thread: Int) {
    for start in stride(from: 0, to: input.width, by: width) {
      kernels.pointee.rms_norm(
        input.column(column) + start, weight, width, epsilon, output.column(column) + start)
    }
  }
}

private struct RopeJob: ColumnJob {
  let kernels: UnsafePointer<ck_kernels>
  let panel: Panel
  let rotations: Rotations.View
  let chunks: Int
  var columns: Int { panel.columns }

  func run(column: Int, thread: Int) {
    let half = rotations.half
    for start in stride(from: 0, to: panel.width, by: 2 * half) {
      kernels.pointee.rope(
        panel.column(column) + start, half, rotations.cosines + column * half, rotations.sines + column * half)
    }
  }
}

private struct GateJob: ColumnJob {
  let kernels: UnsafePointer<ck_kernels>
  let activation: GateActivation
  let gate: Panel
  let up: Panel
  let output: Panel
  let chunks: Int
  var columns: Int { gate.columns }

  func run(column: Int, thread: Int) {
    switch activation {
    case .silu: kernels.pointee.silu_mul(gate.column(column), up.column(column), gate.width, output.column(column))
    case .geluTanh: kernels.pointee.gelu_mul(gate.column(column), up.column(column), gate.width, output.column(column))
    }
  }
}

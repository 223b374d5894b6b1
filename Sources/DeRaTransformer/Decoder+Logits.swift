import DeRaKernels
import DeRaTensorCore

/// One model's share in an output's blend.
package struct BlendTerm {
  package var output: Int
  package var model: Int
  /// Final hidden state, `[hiddenSize]`.
  package var hidden: UnsafePointer<Float>
  package var weight: Float

  package init(output: Int, model: Int, hidden: UnsafePointer<Float>, weight: Float) {
    self.output = output
    self.model = model
    self.hidden = hidden
    self.weight = weight
  }
}

extension Decoder {
  /// Blended logits: for every output `Σ weight · (output matrix · hidden)` over its terms (arXiv 2402.02992, section 3).
  ///
  /// The output matrix is linear, so models that share one are blended in their hidden states: one product instead of
  /// one a model. A single term of weight 1 gives exactly that model's logits.
  /// - Parameter outputs: at most `state.maxOutputs`; every one has a term. Nothing is read for none.
  /// - Returns: `[outputs, vocabularySize]`, valid until the next pass or logits.
  package func logits(_ terms: UnsafeBufferPointer<BlendTerm>, outputs: Int, in state: DecoderState) -> Panel {
    let arena = state.arena
    let result = arena.logits.slice(columns: 0..<outputs)
    // A step that reaches no text's end needs no output matrix.
    guard outputs > 0 else { return result }
    // In the order of the file, so that an output's sum does not depend on the other outputs.
    var last: UnsafeRawPointer?
    state.streaming?.enter(configuration.layers)
    defer { state.streaming?.leave(configuration.layers) }
    while let part = part(of: terms, after: last) {
      let adds = last != nil
      last = part.matrix.bytes
      blend(terms, of: part.matrix, into: part.holdsFullWeights ? arena.blended : arena.weighted, outputs, state)
      if part.holdsFullWeights {
        multiplyInt16(part.matrix, arena.blended, outputs, into: adds ? arena.partialLogits : arena.logits, state)
        if adds { state.engine.add(arena.partialLogits.slice(columns: 0..<outputs), to: result) }
      } else {
        multiply(part, arena.weighted.slice(columns: 0..<outputs), adds: adds, state)
      }
    }
    return result
  }

  /// The first matrix after `last` in memory among those that are applied to the terms' hidden states: output matrices
  /// and their changes; nil when there is none.
  private func part(of terms: UnsafeBufferPointer<BlendTerm>, after last: UnsafeRawPointer?) -> Linear.Change? {
    var next: Linear.Change?
    for term in terms {
      let output = models[term.model].output
      if Self.lies(output.matrix, after: last, before: next) {
        next = Linear.Change(output.matrix, holdsFullWeights: true)
      }
      for change in output.changes where Self.lies(change.matrix, after: last, before: next) { next = change }
    }
    return next
  }

  private static func lies(
    _ matrix: PackedMatrix, after last: UnsafeRawPointer?, before next: Linear.Change?
  ) -> Bool {
    (last.map { matrix.bytes > $0 } ?? true) && (next.map { matrix.bytes < $0.matrix.bytes } ?? true)
  }

  /// target = Σ weight · scale · hidden over the terms whose model uses `matrix`, for every output.
  private func blend(
    _ terms: UnsafeBufferPointer<BlendTerm>, of matrix: PackedMatrix, into target: Panel, _ outputs: Int,
    _ state: DecoderState
  ) {
    for output in 0..<outputs { target.column(output).update(repeating: 0, count: target.width) }
    for term in terms {
      guard let scale = models[term.model].output.scale(of: matrix) else { continue }
      let hidden = Panel(values: UnsafeMutablePointer(mutating: term.hidden), width: target.width, columns: 1)
      state.engine.add(hidden, times: term.weight * scale, to: target.slice(columns: term.output..<term.output + 1))
    }
  }

  /// logits = change · input, or added to them.
  private func multiply(_ change: Linear.Change, _ input: Panel, adds: Bool, _ state: DecoderState) {
    let arena = state.arena
    let codes = state.codes(input)
    state.engine.quantize(input, into: codes, scratch: state.arena.inputScratch)
    guard let a = change.a else {
      return multiply(change.matrix, input, codes, into: arena.logits, adds: adds, state)
    }
    multiply(a, input, codes, into: arena.lowRank[0], adds: false, state)
    let projected = arena.lowRank[0].slice(columns: 0..<input.columns).slice(rows: 0..<change.rank)
    multiply(change.matrix, projected, nil, into: arena.logits, adds: adds, state)
  }

  private func multiply(
    _ matrix: PackedMatrix, _ input: Panel, _ codes: QuantizedPanel?, into output: Panel, adds: Bool,
    _ state: DecoderState
  ) {
    state.engine.matmul(
      MatmulTask(
        matrix: matrix, columns: 0..<input.columns, input: input, codes: codes, rowProducts: state.arena.rowProducts,
        output: output, adds: adds))
  }

  /// output = matrix · input for the first `outputs` columns, the input always coded in 16 bits: logits are what 8-bit
  /// activations would show in most, and it is one matrix.
  private func multiplyInt16(
    _ matrix: PackedMatrix, _ input: Panel, _ outputs: Int, into output: Panel, _ state: DecoderState
  ) {
    let input = input.slice(columns: 0..<outputs)
    guard matrix.layout.codec != .f16 else { return multiply(matrix, input, nil, into: output, adds: false, state) }
    let codes = state.codes(input, .int16)
    state.engine.quantize(input, into: codes, scratch: state.arena.inputScratch)
    multiply(matrix, input, codes, into: output, adds: false, state)
  }
}

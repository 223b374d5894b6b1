import Kernels
import TensorCore

/// One model's share in an output's blend.
public struct BlendTerm {
  public var output: Int
  public var model: Int
  /// Final hidden state, `[hiddenSize]`.
  public var hidden: UnsafePointer<Float>
  public var weight: Float

  public init(output: Int, model: Int, hidden: UnsafePointer<Float>, weight: Float) {
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
  /// - Parameter outputs: at most `state.maxOutputs`; every one has a term.
  /// - Returns: `[outputs, vocabularySize]`, valid until the next pass or logits.
  public func logits(_ terms: UnsafeBufferPointer<BlendTerm>, outputs: Int, in state: DecoderState) -> Panel {
    let arena = state.arena
    let result = arena.logits.slice(columns: 0..<outputs)
    for first in terms.indices {
      let matrix = models[terms[first].model].output.matrix
      let isDone = terms[..<first].contains { models[$0.model].output.matrix.bytes == matrix.bytes }
      if isDone { continue }
      blend(terms, into: arena.blended, outputs, state) { models[$0.model].output.matrix.bytes == matrix.bytes }
      multiplyFinely(matrix, arena.blended, outputs, into: first == 0 ? arena.logits : arena.partialLogits, state)
      if first > 0 { state.engine.add(arena.partialLogits.slice(columns: 0..<outputs), to: result) }
    }
    addDeltas(terms, outputs: outputs, state)
    return result
  }

  /// target = Σ weight · hidden over the terms that are meant, for every output.
  private func blend(
    _ terms: UnsafeBufferPointer<BlendTerm>, into target: Panel, _ outputs: Int, _ state: DecoderState,
    _ isMeant: (BlendTerm) -> Bool
  ) {
    for output in 0..<outputs { target.column(output).update(repeating: 0, count: target.width) }
    for term in terms where isMeant(term) {
      let hidden = Panel(values: UnsafeMutablePointer(mutating: term.hidden), width: target.width, columns: 1)
      state.engine.add(hidden, times: term.weight, to: target.slice(columns: term.output..<term.output + 1))
    }
  }

  /// logits += Σ weight · (change · hidden) for every model that changes the output matrix it shares.
  private func addDeltas(_ terms: UnsafeBufferPointer<BlendTerm>, outputs: Int, _ state: DecoderState) {
    let arena = state.arena
    for model in models.indices {
      let output = models[model].output
      guard output.delta != nil || output.lowRank != nil, terms.contains(where: { $0.model == model }) else { continue }
      blend(terms, into: arena.weighted, outputs, state) { $0.model == model }
      let input = arena.weighted.slice(columns: 0..<outputs)
      let codes = state.codes(input)
      state.engine.quantize(input, into: codes)
      if let delta = output.delta { multiply(delta, input, codes, into: arena.logits, adds: true, state) }
      if let lowRank = output.lowRank {
        multiply(lowRank.a, input, codes, into: arena.lowRank[0], adds: false, state)
        let projected = arena.lowRank[0].slice(columns: 0..<outputs).slice(rows: 0..<output.rank)
        multiply(lowRank.b, projected, nil, into: arena.logits, adds: true, state)
      }
    }
  }

  private func multiply(
    _ matrix: PackedMatrix, _ input: Panel, _ codes: QuantizedPanel?, into output: Panel, adds: Bool,
    _ state: DecoderState
  ) {
    state.engine.matmul(
      MatmulTask(
        matrix: matrix, columns: 0..<input.columns, input: input, codes: codes, output: output, adds: adds))
  }

  /// output = matrix · input for the first `outputs` columns.
  ///
  /// Logits are what 8-bit activations would show in most, so beside the codes of every column those of what they leave
  /// of it go through the matrix: nearly 16 bits, for one more column of one matrix.
  private func multiplyFinely(
    _ matrix: PackedMatrix, _ input: Panel, _ outputs: Int, into output: Panel, _ state: DecoderState
  ) {
    let main = input.slice(columns: 0..<outputs)
    guard matrix.layout.codec != .f16 else { return multiply(matrix, main, nil, into: output, adds: false, state) }
    let both = input.slice(columns: 0..<2 * outputs)
    let codes = state.codes(both)
    state.engine.quantize(main, into: codes)
    let remainders = state.arena.remainders
    for column in 0..<outputs {
      state.engine.subtract(codes, column: column, from: input.column(column), into: input.column(outputs + column))
      remainders[column] = Int32(outputs + column)
      remainders[outputs + column] = -1
    }
    state.engine.quantize(both, into: codes)
    state.engine.matmul(
      MatmulTask(
        matrix: matrix, columns: 0..<2 * outputs, input: both, codes: codes, output: output,
        references: UnsafePointer(remainders)))
  }
}

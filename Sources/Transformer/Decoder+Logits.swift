import Kernels
import TensorCore

/// One model's share in a blend.
public struct BlendTerm {
  public var model: Int
  /// Final hidden state, `[hiddenSize]`.
  public var hidden: UnsafePointer<Float>
  public var weight: Float

  public init(model: Int, hidden: UnsafePointer<Float>, weight: Float) {
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
  /// - Parameters:
  ///   - terms: `[outputs, terms]`; the same models in the same order for every output.
  ///   - outputs: at most `state.maxOutputs`.
  /// - Returns: `[outputs, vocabularySize]`, valid until the next pass or logits.
  public func logits(_ terms: UnsafeBufferPointer<BlendTerm>, outputs: Int, in state: DecoderState) -> Panel {
    let arena = state.arena
    let perOutput = terms.count / outputs
    let result = arena.logits.slice(columns: 0..<outputs)
    var isFirst = true
    for first in 0..<perOutput {
      let matrix = models[terms[first].model].output.matrix
      let isDone = (0..<first).contains { models[terms[$0].model].output.matrix.bytes == matrix.bytes }
      if isDone { continue }
      for output in 0..<outputs {
        let row = UnsafeBufferPointer(rebasing: terms[output * perOutput..<(output + 1) * perOutput])
        blend(row, from: first, into: arena.blended.column(output))
      }
      multiply(matrix, arena.blended, outputs, into: isFirst ? arena.logits : arena.partialLogits, state)
      if !isFirst { state.engine.add(arena.partialLogits.slice(columns: 0..<outputs), to: result) }
      isFirst = false
    }
    addDeltas(terms, outputs: outputs, state)
    return result
  }

  /// logits += weight · (delta · hidden) for every term whose model changes the output matrix it shares.
  private func addDeltas(_ terms: UnsafeBufferPointer<BlendTerm>, outputs: Int, _ state: DecoderState) {
    let perOutput = terms.count / outputs
    let arena = state.arena
    for index in 0..<perOutput {
      guard let delta = models[terms[index].model].output.delta else { continue }
      for output in 0..<outputs {
        let term = terms[output * perOutput + index]
        let target = arena.weighted.column(output)
        for element in 0..<configuration.hiddenSize { target[element] = term.weight * term.hidden[element] }
      }
      multiply(delta, arena.weighted, outputs, into: arena.logits, adds: true, state)
    }
  }

  /// output = matrix · input for the first `outputs` columns, or output += that.
  private func multiply(
    _ matrix: PackedMatrix, _ input: Panel, _ outputs: Int, into output: Panel, adds: Bool = false,
    _ state: DecoderState
  ) {
    let input = input.slice(columns: 0..<outputs)
    let codes = state.codes(input)
    if matrix.layout.codec != .f16 { state.engine.quantize(input, into: codes) }
    state.engine.matmul(
      MatmulTask(matrix: matrix, columns: 0..<outputs, input: input, codes: codes, output: output, adds: adds))
  }

  /// `target = Σ weight · hidden` over the terms from `first` on that use its output matrix.
  private func blend(_ terms: UnsafeBufferPointer<BlendTerm>, from first: Int, into target: UnsafeMutablePointer<Float>)
  {
    let matrix = models[terms[first].model].output.matrix.bytes
    let width = configuration.hiddenSize
    for index in 0..<width { target[index] = terms[first].weight * terms[first].hidden[index] }
    for term in terms[(first + 1)...] where models[term.model].output.matrix.bytes == matrix {
      for index in 0..<width { target[index] += term.weight * term.hidden[index] }
    }
  }
}

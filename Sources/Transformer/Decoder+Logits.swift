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
      let matrix = models[terms[first].model].output
      let isDone = (0..<first).contains { models[terms[$0].model].output.bytes == matrix.bytes }
      if isDone { continue }
      for output in 0..<outputs {
        let row = UnsafeBufferPointer(rebasing: terms[output * perOutput..<(output + 1) * perOutput])
        blend(row, from: first, into: arena.blended.column(output))
      }
      var tasks = MatmulTasks(arena.tasks)
      tasks.add(matrix, columns: 0..<outputs, output: isFirst ? arena.logits : arena.partialLogits)
      state.matmul(tasks, arena.blended.slice(columns: 0..<outputs))
      if !isFirst { state.engine.add(arena.partialLogits.slice(columns: 0..<outputs), to: result) }
      isFirst = false
    }
    return result
  }

  /// `target = Σ weight · hidden` over the terms from `first` on that use its output matrix.
  private func blend(_ terms: UnsafeBufferPointer<BlendTerm>, from first: Int, into target: UnsafeMutablePointer<Float>)
  {
    let matrix = models[terms[first].model].output.bytes
    let width = configuration.hiddenSize
    for index in 0..<width { target[index] = terms[first].weight * terms[first].hidden[index] }
    for term in terms[(first + 1)...] where models[term.model].output.bytes == matrix {
      for index in 0..<width { target[index] += term.weight * term.hidden[index] }
    }
  }
}

import Transformer

extension Session {
  /// Logits at every position of `sequence` under several λ, from one pass over each model: what an oracle, perplexity and
  /// KL reports need. The sequence replaces the session's own.
  /// - Parameter body: gets the index into `realignments`, the position, and its logits `[vocabularySize]`.
  /// - Throws: `SessionError` for a sequence that does not fit, and whatever `body` throws.
  public func forEachLogits(
    of sequence: [Int32], _ realignments: [Realignment],
    _ body: (_ realignment: Int, _ position: Int, _ logits: UnsafeBufferPointer<Float>) throws -> Void
  ) throws {
    truncate(to: 0)
    try append(sequence)
    let state = workspace.state
    let models = caches.indices.filter { model in realignments.contains { $0.weights[model] != 0 } }
    let step = min(state.maxColumns / max(models.count, 1), sequence.count)
    for start in stride(from: 0, to: sequence.count, by: max(step, 1)) {
      try workspace.checkContinues(afterPasses: start)
      let count = min(step, sequence.count - start)
      for (index, model) in models.enumerated() {
        workspace.runs.initializeElement(
          at: index, to: run(model, sequence: 0, count: count, ids: workspace.ids + index * count))
      }
      bundle.decoder.forward(UnsafeBufferPointer(rebasing: workspace.runs[0..<models.count]), in: state)
      for (index, realignment) in realignments.enumerated() {
        try blend(realignment, models, columns: count) { column, logits in try body(index, start + column, logits) }
      }
    }
  }

  /// Blends the last pass's columns, as many positions at a time as there is room for.
  private func blend(
    _ realignment: Realignment, _ models: [Int], columns: Int,
    _ body: (_ column: Int, _ logits: UnsafeBufferPointer<Float>) throws -> Void
  ) throws {
    let state = workspace.state
    let weights = realignment.weights
    for first in stride(from: 0, to: columns, by: state.maxOutputs) {
      let outputs = min(state.maxOutputs, columns - first)
      var count = 0
      for output in 0..<outputs {
        for (run, model) in models.enumerated() where weights[model] != 0 {
          workspace.terms.initializeElement(
            at: count,
            to: BlendTerm(
              output: output, model: model, hidden: state.final.column(run * columns + first + output),
              weight: weights[model]))
          count += 1
        }
      }
      let panel = bundle.decoder.logits(
        UnsafeBufferPointer(rebasing: workspace.terms[0..<count]), outputs: outputs, in: state)
      for output in 0..<outputs {
        try body(
          first + output,
          UnsafeBufferPointer(start: panel.column(output), count: bundle.configuration.vocabularySize))
      }
    }
  }
}

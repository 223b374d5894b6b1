import DeRaTransformer

extension DecodingSession {
  /// Logits at every position of `sequence` under several λ, one after another: to the bit what decoding gives. The
  /// sequence replaces the session's own. `TeacherForcing` is quicker for many λ.
  /// - Parameter body: gets the index into `realignments`, the position, and its logits `[vocabularySize]`.
  /// - Throws: `SessionError` for a sequence that does not fit, and whatever `body` throws.
  package func forEachLogits(
    of sequence: [Int32], _ realignments: [Realignment],
    _ body: (_ realignment: Int, _ position: Int, _ logits: UnsafeBufferPointer<Float>) throws -> Void
  ) throws {
    for (index, realignment) in realignments.enumerated() {
      truncate(to: 0)
      try append(sequence)
      var passes = 0
      while try score(realignment, { try body(index, $0, $1) }) < tokens.count {
        passes += 1
        try workspace.checkContinues(afterPasses: passes)
      }
      try bundle.checkUnchanged()
    }
  }

  /// Computes the next pass of the tokens that a λ's models have not computed yet, all from the same position on.
  package func score(
    _ realignment: Realignment, _ body: (_ position: Int, _ logits: UnsafeBufferPointer<Float>) throws -> Void
  ) throws -> Int {
    mix(realignment)
    let weights = runWeights(realignment)
    let models = weights.indices.filter { weights[$0] != 0 }
    for model in models { setBeside(model > 0 && weights[0] != 0, model) }
    let start = computed(realignment)
    let count = min(workspace.state.maxColumns / max(models.count, 1), tokens.count - start)
    guard count > 0 else { return start }
    for (index, model) in models.enumerated() {
      workspace.runs.initializeElement(
        at: index, to: run(model, sequence: 0, count: count, ids: workspace.ids + index * count))
    }
    workspace.models.decoder.forward(
      UnsafeBufferPointer(rebasing: workspace.runs[0..<models.count]), in: workspace.state)
    try forEachBlend(weights, models, columns: count) { try body(start + $0, $1) }
    return start + count
  }

  /// Blends the last pass's columns, as many positions at a time as there is room for.
  private func forEachBlend(
    _ weights: [Float], _ models: [Int], columns: Int,
    _ body: (_ column: Int, _ logits: UnsafeBufferPointer<Float>) throws -> Void
  ) throws {
    let state = workspace.state
    for first in stride(from: 0, to: columns, by: state.maxOutputs) {
      let outputs = min(state.maxOutputs, columns - first)
      var count = 0
      for output in 0..<outputs {
        for (run, model) in models.enumerated() where weights[model] != 0 {
          workspace.terms.initializeElement(
            at: count,
            to: BlendTerm(
              output: output, model: firstModel + model, hidden: state.final.column(run * columns + first + output),
              weight: weights[model]))
          count += 1
        }
      }
      let panel = workspace.models.decoder.logits(
        UnsafeBufferPointer(rebasing: workspace.terms[0..<count]), outputs: outputs, in: state)
      for output in 0..<outputs {
        try body(
          first + output,
          UnsafeBufferPointer(start: panel.column(output), count: bundle.configuration.vocabularySize))
      }
    }
  }
}

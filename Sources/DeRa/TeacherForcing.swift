import DeRaKernels
import DeRaTransformer

/// The logits of a given text, position by position, under any number of λ, from one pass over each model.
///
/// The output matrix is applied once a position and model, whatever the number of λ; a λ costs one sum over the vocabulary,
/// h(λ) = h_ref + Σ λ·(h_m − h_ref). Where models share that matrix the difference is taken before it, of their final hidden
/// states, so that λ does not amplify the rounding of its input. Blends therefore differ from `DecodingSession.logits`, which
/// applies the matrix to the blend, by rounding only; and all λ see the models run beside each other, as decoding with a
/// blend does (λ = 1 alone would code its activations by itself).
///
/// Where the session blends weights, every λ is a model of its own; they are run side by side, the matrices read once.
package final class TeacherForcing {
  package let realignments: [Realignment]
  package let vocabularySize: Int

  private let session: DecodingSession
  /// `[realignments]`: the one model of the session that a λ leaves, nil for a blend.
  private let soleModels: [Int?]
  /// Models that run, ascending.
  private let models: [Int]
  /// `[models of the session]`: logits `[block, vocabulary]`, nil where no λ needs them.
  private let own: [LogitRows?]
  /// `[models of the session]`: logits minus the reference's; nil where no λ needs them.
  private let directions: [LogitRows?]
  private var end = 0
  /// Positions of the last pass over the models, and of the last block.
  private var pass = 0..<0
  private var block = 0..<0

  /// - Parameters:
  ///   - session: its sequence is replaced; it computes `maxOutputs` positions' logits together. If it blends weights it
  ///     has a mixture for every λ.
  ///   - realignments: the λ that logits will be asked for.
  ///   - withDirections: keeps h_m − h_ref of every aligned model, whatever the λ; not where weights are blended.
  package init(session: DecodingSession, realignments: [Realignment], withDirections: Bool = false) {
    let count = session.caches.count
    let mixes = session.blend == .weights
    precondition(!mixes || count == realignments.count, "a mixture for every λ")
    let soleModels: [Int?] = mixes ? realignments.indices.map { $0 } : realignments.map(\.soleModel)
    let blends = zip(realignments, soleModels).filter { $0.1 == nil }.map(\.0)
    let isDirected = (0..<count).map { model in
      !mixes && model > 0 && (withDirections || blends.contains { $0.weights[model] != 0 })
    }
    let isOwn = (0..<count).map { soleModels.contains($0) || ($0 == 0 && !blends.isEmpty) }
    let width = session.bundle.configuration.vocabularySize
    let block = session.workspace.state.maxOutputs
    self.session = session
    self.realignments = realignments
    self.soleModels = soleModels
    vocabularySize = width
    models = (0..<count).filter { isOwn[$0] || isDirected[$0] || ($0 == 0 && isDirected.contains(true)) }
    own = isOwn.map { $0 ? LogitRows(count: block, width: width) : nil }
    directions = isDirected.map { $0 ? LogitRows(count: block, width: width) : nil }
    for (index, realignment) in realignments.enumerated() where mixes { session.mix(realignment, at: index) }
  }

  /// Begins a text.
  /// - Parameter first: the first position whose logits are wanted.
  /// - Throws: `SessionError` for a text that does not fit or has ids outside the vocabulary.
  package func start(_ text: [Int32], from first: Int = 0) throws(SessionError) {
    session.truncate(to: 0)
    try session.append(text)
    end = text.count
    pass = 0..<0
    let first = min(max(first, 0), end)
    block = first..<first
  }

  /// Computes the logits of the next positions and says which; empty at the text's end.
  package func next() -> Range<Int> {
    let start = block.upperBound
    guard start < end else { return end..<end }
    while pass.upperBound <= start { forward() }
    block = start..<min(start + session.workspace.state.maxOutputs, pass.upperBound)
    for model in models {
      own[model]?.fill(from: product([(model, 1)]), block.count)
      directions[model]?.fill(from: product([(model, 1), (0, -1)]), block.count)
    }
    return block
  }

  /// Logits `[vocabulary]` of a position of the last block, under `realignments[index]`; valid until the next block.
  /// - Parameter scratch: `[vocabulary]`; used where the logits have to be made.
  package func logits(
    _ index: Int, at position: Int, scratch: UnsafeMutableBufferPointer<Float>
  ) -> UnsafeBufferPointer<Float> {
    let row = position - block.lowerBound
    guard let base = own[soleModels[index] ?? 0]?[row] else {
      preconditionFailure("no logits were computed for this λ")
    }
    if soleModels[index] != nil { return base }
    _ = scratch.update(from: base)
    for (model, lambda) in zip(1..., realignments[index].lambdas) where lambda != 0 {
      guard let direction = directions[model]?[row] else { continue }
      for id in 0..<vocabularySize { scratch[id] += lambda * direction[id] }
    }
    return UnsafeBufferPointer(scratch)
  }

  /// h_m − h_ref `[vocabulary]` at a position of the last block; nil for a model that no λ uses.
  package func direction(model: Int, at position: Int) -> UnsafeBufferPointer<Float>? {
    directions[model]?[position - block.lowerBound]
  }

  /// Runs the models over the next positions.
  private func forward() {
    let workspace = session.workspace
    let start = pass.upperBound
    let count = min(workspace.state.maxColumns / models.count, end - start)
    for (index, model) in models.enumerated() {
      workspace.runs.initializeElement(
        at: index,
        to: session.run(model, sequence: sequence(of: model), count: count, ids: workspace.ids + index * count))
    }
    workspace.models.decoder.forward(
      UnsafeBufferPointer(rebasing: workspace.runs[0..<models.count]), in: workspace.state)
    pass = start..<start + count
  }

  /// Mixtures are apart from each other, so that none is coded as a difference from another.
  private func sequence(of model: Int) -> Int { session.blend == .weights ? model : 0 }

  /// Σ weight · logits of the models, `[block, vocabulary]`.
  private func product(_ weights: [(model: Int, weight: Float)]) -> Panel {
    let workspace = session.workspace
    var count = 0
    for row in 0..<block.count {
      for (model, weight) in weights {
        let run = models.firstIndex(of: model) ?? 0
        let hidden = workspace.state.final.column(run * pass.count + block.lowerBound + row - pass.lowerBound)
        workspace.terms.initializeElement(
          at: count,
          to: BlendTerm(output: row, model: session.firstModel + model, hidden: UnsafePointer(hidden), weight: weight))
        count += 1
      }
    }
    return workspace.models.decoder.logits(
      UnsafeBufferPointer(rebasing: workspace.terms[0..<count]), outputs: block.count, in: workspace.state)
  }
}

extension Realignment {
  /// The one model this λ leaves, nil for a blend.
  var soleModel: Int? {
    let active = weights.indices.filter { weights[$0] != 0 }
    return active.count == 1 ? active[0] : nil
  }
}

/// `[count, width]`
private final class LogitRows {
  private let values: UnsafeMutablePointer<Float>
  private let width: Int

  init(count: Int, width: Int) {
    self.width = width
    values = .allocate(capacity: count * width)
  }

  deinit { values.deallocate() }

  subscript(row: Int) -> UnsafeBufferPointer<Float> { UnsafeBufferPointer(start: values + row * width, count: width) }

  func fill(from panel: Panel, _ rows: Int) {
    for row in 0..<rows { (values + row * width).update(from: panel.column(row), count: width) }
  }
}

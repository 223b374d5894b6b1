import Kernels
import Transformer

/// The logits of a given text, position by position, under any number of λ, from one pass over each model.
///
/// Every model's product with the output matrix is made once a position, whatever the number of λ; a λ costs one sum over
/// the vocabulary. Where models share the output matrix the product is made of the *difference* of their final hidden
/// states, h(λ) = h_ref + Σ λ·W(x_m − x_ref), so that rounding of activations is not amplified by λ. A λ that leaves one model
/// is that model's logits to the bit; blends differ from `Session.logits` by the rounding of the output product's input.
public final class TeacherForcing {
  public let session: Session
  public let realignments: [Realignment]
  public var bundle: ModelBundle { session.bundle }
  public let vocabularySize: Int

  /// `[realignments]`: the one model a λ leaves, nil for a blend.
  private let soleModels: [Int?]
  /// Models that run, ascending.
  private let models: [Int]
  /// `[models of the bundle]`: logits `[block, vocabulary]`, nil where no λ needs them.
  private let own: [LogitRows?]
  /// `[models of the bundle]`: logits minus the reference's; nil where no λ needs them.
  private let directions: [LogitRows?]
  /// `[block, hiddenSize]`
  private let differences: UnsafeMutableBufferPointer<Float>
  private var end = 0
  private var first = 0
  /// Positions of the last pass over the models, and of the last block.
  private var pass = 0..<0
  private var block = 0..<0

  /// - Parameters:
  ///   - session: its sequence is replaced; it computes `maxOutputs` positions' logits together.
  ///   - realignments: the λ that logits will be asked for.
  ///   - withDirections: keeps h_m − h_ref of every aligned model, whatever the λ.
  public init(session: Session, realignments: [Realignment], withDirections: Bool = false) {
    let configuration = session.bundle.configuration
    let count = session.caches.count
    let soleModels = realignments.map(\.soleModel)
    let blends = zip(realignments, soleModels).filter { $0.1 == nil }.map(\.0)
    let directed = (0..<count).map { model in
      model > 0 && (withDirections || blends.contains { $0.weights[model] != 0 })
    }
    let needsReference = directed.contains(true)
    let alone = (0..<count).map { soleModels.contains($0) }
    self.session = session
    self.realignments = realignments
    self.soleModels = soleModels
    vocabularySize = configuration.vocabularySize
    models = (0..<count).filter { alone[$0] || directed[$0] || ($0 == 0 && needsReference) }
    let block = session.state.maxOutputs
    let outputs = session.bundle.decoder.models.map(\.output.bytes)
    own = (0..<count).map { model in
      let isNeeded = alone[model] || (model == 0 ? needsReference : directed[model] && outputs[model] != outputs[0])
      return isNeeded ? LogitRows(count: block, width: configuration.vocabularySize) : nil
    }
    directions = directed.map { $0 ? LogitRows(count: block, width: configuration.vocabularySize) : nil }
    differences = .allocate(capacity: block * configuration.hiddenSize)
  }

  deinit { differences.deallocate() }

  /// Begins a text.
  /// - Parameter first: the first position whose logits are wanted.
  /// - Throws: `SessionError` for a text that does not fit or has ids outside the vocabulary.
  public func start(_ text: [Int32], from first: Int = 0) throws(SessionError) {
    session.truncate(to: 0)
    try session.append(text)
    end = text.count
    self.first = min(max(first, 0), text.count)
    pass = 0..<0
    block = self.first..<self.first
  }

  /// Computes the logits of the next positions and says which; empty at the text's end.
  public func next() -> Range<Int> {
    let start = block.upperBound
    guard start < end else { return end..<end }
    while pass.upperBound <= start { forward() }
    block = start..<min(start + session.state.maxOutputs, pass.upperBound)
    let reference = own[0]
    for model in models { own[model]?.fill(from: product(model: model, hidden: { hidden(model, $0) }), block.count) }
    for model in models {
      guard let rows = directions[model], let reference else { continue }
      if let own = own[model], !sharesOutput(model) {
        rows.fill(from: own, minus: reference, block.count)
      } else {
        rows.fill(from: product(model: 0, hidden: { difference(model, $0) }), block.count)
      }
    }
    return block
  }

  /// Logits `[vocabulary]` of a position of the last block, under `realignments[index]`; valid until the next block.
  /// - Parameter scratch: `[vocabulary]`; used where the logits have to be made.
  public func logits(
    _ index: Int, at position: Int, scratch: UnsafeMutableBufferPointer<Float>
  ) -> UnsafeBufferPointer<Float> {
    let row = position - block.lowerBound
    if let model = soleModels[index], let rows = own[model] { return rows[row] }
    guard let base = own[0]?[row] else { preconditionFailure("the reference was not computed") }
    _ = scratch.update(from: base)
    for (model, lambda) in zip(1..., realignments[index].lambdas) where lambda != 0 {
      guard let direction = directions[model]?[row] else { continue }
      for id in 0..<vocabularySize { scratch[id] += lambda * direction[id] }
    }
    return UnsafeBufferPointer(scratch)
  }

  /// h_m − h_ref `[vocabulary]` at a position of the last block; nil for a model that no λ uses.
  public func direction(model: Int, at position: Int) -> UnsafeBufferPointer<Float>? {
    directions[model]?[position - block.lowerBound]
  }

  private func sharesOutput(_ model: Int) -> Bool {
    bundle.decoder.models[model].output.bytes == bundle.decoder.models[0].output.bytes
  }

  /// Runs the models over the next positions.
  private func forward() {
    let start = pass.upperBound
    let count = min(session.state.maxColumns / models.count, end - start)
    session.tokens.withUnsafeBufferPointer { tokens in
      guard let base = tokens.baseAddress else { return }
      for (index, model) in models.enumerated() {
        session.runs.initializeElement(
          at: index, to: Run(model: model, cache: session.caches[model], tokens: base + start, count: count))
      }
      bundle.decoder.forward(UnsafeBufferPointer(rebasing: session.runs[0..<models.count]), in: session.state)
    }
    pass = start..<start + count
  }

  /// The final hidden state `[hiddenSize]` of row `row` of the block.
  private func hidden(_ model: Int, _ row: Int) -> UnsafePointer<Float> {
    let run = models.firstIndex(of: model) ?? 0
    return UnsafePointer(session.state.final.column(run * pass.count + block.lowerBound + row - pass.lowerBound))
  }

  private func difference(_ model: Int, _ row: Int) -> UnsafePointer<Float> {
    let width = bundle.configuration.hiddenSize
    guard let base = differences.baseAddress else { preconditionFailure("a model has hidden states") }
    let target = base + row * width
    let (aligned, reference) = (hidden(model, row), hidden(0, row))
    for index in 0..<width { target[index] = aligned[index] - reference[index] }
    return UnsafePointer(target)
  }

  /// The block's products with a model's output matrix.
  private func product(model: Int, hidden: (Int) -> UnsafePointer<Float>) -> Panel {
    for row in 0..<block.count {
      session.terms.initializeElement(at: row, to: BlendTerm(model: model, hidden: hidden(row), weight: 1))
    }
    return bundle.decoder.logits(
      UnsafeBufferPointer(rebasing: session.terms[0..<block.count]), outputs: block.count, in: session.state)
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

  func fill(from left: LogitRows, minus right: LogitRows, _ rows: Int) {
    for index in 0..<rows * width { values[index] = left.values[index] - right.values[index] }
  }
}

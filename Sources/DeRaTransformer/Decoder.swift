import DeRaKernels
import DeRaModelSpec
import DeRaTensorCore

/// The one decoder: every architecture and every number of models, over a panel of columns.
///
/// A column is one token of one sequence under one model. Matrices are read once a pass and applied to all the columns
/// that use them, so one model's decoding step is one column, DeRa's two, prefill's many, and all of them are this code.
/// Results do not depend on how columns are grouped into passes, on the number of threads or on the instruction set.
package final class Decoder: Sendable {
  package let configuration: ModelConfiguration
  package let models: [ModelWeights]
  /// The coding of the inputs of layers' matrices, unless an engine asks for another.
  package let activations: ActivationCoding
  /// The layers of all models, model after model, as they run: with balanced keys.
  let layers: [LayerWeights]
  /// The vectors that were computed for them.
  private let memory = WeightMemory()
  /// The most that passes need room for.
  let limits: Limits

  /// Maxima over all linear layers of all models.
  struct Limits {
    /// Rank of the widest low-rank change; 0 where there is none.
    var rank = 0
    /// Most changes that one linear layer has.
    var changes = 0
    /// Whether a product is multiplied by anything.
    var scales = false
  }

  /// - Parameter models: the reference first; each with `configuration.layers` layers.
  package init(configuration: ModelConfiguration, models: [ModelWeights], activations: ActivationCoding = .int8) {
    precondition(models.allSatisfy { $0.layers.count == configuration.layers })
    self.configuration = configuration
    self.models = models
    self.activations = activations
    let memory = memory
    layers = models.flatMap(\.layers).map { $0.balancingKeys(configuration, memory) }
    limits = models.lazy.flatMap(\.linears).reduce(into: Limits()) { limits, linear in
      limits.rank = max(limits.rank, linear.rank)
      limits.changes = max(limits.changes, linear.changes.count)
      limits.scales = limits.scales || linear.scale != 1 || linear.changes.contains { $0.scale != 1 }
    }
  }

  /// Computes the runs' tokens and extends their caches.
  ///
  /// Afterwards `state.final` holds the normalised final hidden state of every column, run after run.
  /// - Parameter runs: ordered by model; at most `state.maxColumns` tokens in all; every cache has room, every token is
  ///   in the vocabulary.
  package func forward(_ runs: UnsafeBufferPointer<Run>, in state: DecoderState) {
    forward(runs, layers: 0..<configuration.layers, in: state)
  }

  /// Some layers of `forward`, for those who go through many tokens layer by layer: the first takes its input from the
  /// tokens, any other the `state.hidden` that the layer before it has left, and the caches' lengths are the runs'
  /// positions in this layer. After the last layer `state.final` is filled as well.
  package func forward(_ runs: UnsafeBufferPointer<Run>, layers: Range<Int>, in state: DecoderState) {
    let arena = state.arena
    let pass = place(runs, in: state)
    state.setRotations(pass.count)
    if layers.lowerBound == 0 { embed(pass, state) }
    for layer in layers {
      state.streaming?.enter(layer)
      attend(layer, pass, state)
      feedForward(layer, pass, state)
      state.streaming?.leave(layer)
    }
    for group in pass.groups where layers.upperBound == configuration.layers {
      state.engine.rmsNorm(
        arena.hidden.slice(columns: group.columns), weight: models[group.model].outputNorm,
        epsilon: configuration.normEpsilon, into: arena.normed.slice(columns: group.columns))
    }
    for run in runs { run.cache._withUnsafeGuaranteedRef { $0.length += run.count } }
  }

  /// The columns of a pass and which models they belong to.
  struct Pass {
    var count: Int
    var groups: Slice<UnsafeMutableBufferPointer<Arena.ModelColumns>>
    /// Aligned models' columns whose reference column is in the pass lie from the first of these on; empty for none.
    var referenced: Range<Int>
  }

  private func place(_ runs: UnsafeBufferPointer<Run>, in state: DecoderState) -> Pass {
    let arena = state.arena
    var column = 0
    var groups = 0
    for run in runs {
      let start = column
      run.cache._withUnsafeGuaranteedRef { cache in
        precondition(column + run.count <= arena.maxColumns && cache.takes(run.count))
        for index in 0..<run.count {
          arena.columns[column] = Arena.Column(token: run.tokens[index], cache: cache.view)
          arena.positions[column] = Int32(cache.length + index)
          column += 1
        }
      }
      if groups > 0, arena.groups[groups - 1].model == run.model {
        arena.groups[groups - 1].columns = arena.groups[groups - 1].columns.lowerBound..<column
      } else {
        precondition(groups == 0 || arena.groups[groups - 1].model < run.model, "runs must be ordered by model")
        arena.groups[groups] = Arena.ModelColumns(model: run.model, columns: start..<column)
        groups += 1
      }
    }
    let referenced = findReferences(runs, in: arena)
    arena.differenceStarts[0] = 0
    for index in 0..<column {
      let rows = arena.references[index] >= 0 ? 1 : state.activations.planes
      arena.differenceStarts[index + 1] = arena.differenceStarts[index] + Int32(rows)
    }
    return Pass(count: column, groups: arena.groups[0..<groups], referenced: referenced)
  }

  /// Sets `arena.references`: the reference's column of the same sequence and position, or −1.
  /// - Returns: from the first to the last column that has one.
  private func findReferences(_ runs: UnsafeBufferPointer<Run>, in arena: Arena) -> Range<Int> {
    var referenced = 0..<0
    var start = 0
    for run in runs {
      var first = 0
      let range = start..<start + run.count
      for column in range { arena.references[column] = -1 }
      for other in runs where run.model != 0 && other.model == 0 {
        if other.sequence == run.sequence {
          for column in range {
            let reference = first + Int(arena.positions[column] - arena.positions[first])
            if (first..<first + other.count).contains(reference) {
              arena.references[column] = Int32(reference)
              referenced = (referenced.isEmpty ? column : referenced.lowerBound)..<column + 1
            }
          }
        }
        first += other.count
      }
      start = range.upperBound
    }
    return referenced
  }

  private func embed(_ pass: Pass, _ state: DecoderState) {
    let arena = state.arena
    for group in pass.groups {
      let embedding = models[group.model].embedding
      for column in group.columns {
        let token = Int(arena.columns[column].token)
        let hidden = arena.hidden.slice(columns: column..<column + 1)
        embedding.matrix.unpack(row: token, into: hidden.values)
        if embedding.scale != 1 { state.engine.scale(hidden, by: embedding.scale) }
        for change in embedding.changes { add(change, row: token, to: hidden, state) }
      }
    }
    if configuration.embeddingScale != 1 {
      state.engine.scale(arena.hidden.slice(columns: 0..<pass.count), by: configuration.embeddingScale)
    }
  }

  /// hidden += a row of what a model changes of the table.
  private func add(_ change: Linear.Change, row: Int, to hidden: Panel, _ state: DecoderState) {
    let values = state.arena.update.slice(columns: 0..<1)
    guard let a = change.a else {
      change.matrix.unpack(row: row, into: values.values)
      return state.engine.add(values, times: change.scale, to: hidden)
    }
    let factors = state.arena.lowRank[0].column(0)
    change.matrix.unpack(row: row, into: factors)
    for rank in 0..<change.rank {
      a.unpack(row: rank, into: values.values)
      state.engine.add(values, times: change.scale * factors[rank], to: hidden)
    }
  }
}

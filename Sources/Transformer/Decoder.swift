import Kernels
import ModelSpec
import TensorCore

/// The one decoder: every architecture and every number of models, over a panel of columns.
///
/// A column is one token of one sequence under one model. Matrices are read once a pass and applied to all the columns
/// that use them, so one model's decoding step is one column, DeRa's two, prefill's many, and all of them are this code.
/// Results do not depend on how columns are grouped into passes, on the number of threads or on the instruction set.
public final class Decoder: Sendable {
  public let configuration: ModelConfiguration
  public let models: [ModelWeights]
  /// The layers of all models, model after model.
  let layers: [LayerWeights]

  /// - Parameter models: the reference first; each with `configuration.layers` layers.
  public init(configuration: ModelConfiguration, models: [ModelWeights]) {
    precondition(models.allSatisfy { $0.layers.count == configuration.layers })
    self.configuration = configuration
    self.models = models
    layers = models.flatMap(\.layers)
  }

  /// Computes the runs' tokens and extends their caches.
  ///
  /// Afterwards `state.final` holds the normalised final hidden state of every column, run after run.
  /// - Parameter runs: ordered by model; at most `state.maxColumns` tokens in all; every cache has room, every token is
  ///   in the vocabulary.
  public func forward(_ runs: UnsafeBufferPointer<Run>, in state: DecoderState) {
    let arena = state.arena
    let pass = place(runs, in: arena)
    state.setRotations(pass.count)
    embed(pass, state)
    for layer in 0..<configuration.layers {
      attend(layer, pass, state)
      feedForward(layer, pass, state)
    }
    for group in pass.groups {
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
  }

  private func place(_ runs: UnsafeBufferPointer<Run>, in arena: Arena) -> Pass {
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
    return Pass(count: column, groups: arena.groups[0..<groups])
  }

  private func embed(_ pass: Pass, _ state: DecoderState) {
    let arena = state.arena
    for group in pass.groups {
      for column in group.columns {
        models[group.model].embedding.unpack(
          row: Int(arena.columns[column].token), into: arena.hidden.column(column))
      }
    }
    if configuration.embeddingScale != 1 {
      state.engine.scale(arena.hidden.slice(columns: 0..<pass.count), by: configuration.embeddingScale)
    }
  }
}

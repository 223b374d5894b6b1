import DeRaBundle
import DeRaCheckpoints
import DeRaConversion
import DeRaModelSpec
import DeRaPlatform
import DeRaTestSupport
import DeRaTokenization

/// Weights in memory that may fail to be read.
struct MemoryTensor: TensorSource {
  var rows: Int
  var columns: Int
  var values: [Float]
  /// Reading this row fails.
  var brokenRow: Int?
  var quantisation: Quantisation?

  func read(rows range: Range<Int>, into output: UnsafeMutableBufferPointer<Float>) throws(CheckpointError) {
    if let brokenRow, range.contains(brokenRow) { throw CheckpointError(path: "memory", problem: "broken row") }
    for (position, index) in (range.lowerBound * columns..<range.upperBound * columns).enumerated() {
      output[position] = values[index]
    }
  }

  func release() {}
}

/// Checkpoints of a tiny model.
enum Tiny {
  /// Random weights that depend on the seed and the tensor's name only.
  static func checkpoint(_ configuration: ModelConfiguration = .tiny(), seed: UInt64 = 1) -> Checkpoint {
    var tensors: [String: any TensorSource] = [:]
    for spec in configuration.tensors {
      let hash = spec.name.utf8.reduce(seed) { $0 &* 1_099_511_628_211 &+ UInt64($1) }
      var generator = SeededGenerator(seed: hash)
      let values = (0..<spec.rows * spec.columns).map { _ in Float.random(in: -1...1, using: &generator) }
      tensors[spec.name] = MemoryTensor(rows: spec.rows, columns: spec.columns, values: values)
    }
    return Checkpoint(configuration: configuration, tensors: tensors, sources: [], displayName: "tiny")
  }

  static func tokenizer(tokens: Int = 40) -> TokenizerDefinition {
    let pieces = (0..<tokens).map { TokenizerDefinition.Piece(id: Int32($0), bytes: [UInt8(33 + $0)]) }
    return TokenizerDefinition(kind: .byteLevelBPE, pieces: pieces, merges: .ranked([]))
  }

  static func converter(
    _ reference: Checkpoint, _ aligned: [Checkpoint] = [], _ options: ConversionOptions = ConversionOptions()
  ) throws -> Converter {
    try Converter(
      reference: NamedCheckpoint(name: "base", checkpoint: reference),
      aligned: aligned.enumerated().map { NamedCheckpoint(name: "m\($0 + 1)", checkpoint: $1) }, options: options)
  }
}

extension Checkpoint {
  /// The values of a tensor, which these checkpoints have in memory.
  func values(_ name: String) -> [Float] { (tensors[name] as? MemoryTensor)?.values ?? [] }

  func changing(_ name: String, _ change: (inout MemoryTensor) -> Void) -> Checkpoint {
    var copy = self
    guard var tensor = tensors[name] as? MemoryTensor else { return self }
    change(&tensor)
    copy.tensors[name] = tensor
    return copy
  }
}

extension Checkpoint {
  /// One more row in both tables.
  func addingRow() -> Checkpoint {
    ["token_embd.weight", "output.weight"].reduce(self) { checkpoint, name in
      checkpoint.changing(name) { tensor in
        tensor.values += [Float](repeating: 0.5, count: tensor.columns)
        tensor.rows += 1
      }
    }
  }
}

extension TokenizerDefinition {
  func with(bosID: Int32) -> TokenizerDefinition {
    var copy = self
    copy.bosID = bosID
    return copy
  }
}

import DeRaBundle
import DeRaCheckpoints
import DeRaConversion
import DeRaModelSpec
import DeRaPlatform
import DeRaTokenization

/// A directory that goes with everything in it when the object does.
final class TemporaryDirectory {
  let path: String

  init() throws {
    var template = Array("/tmp/dera-convert-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw FileError.failed(attempt: "create", path: "/tmp", code: errno) }
    path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  var files: [String] {
    var names: [String] = []
    guard let directory = opendir(path) else { return [] }
    while let entry = readdir(directory) {
      withUnsafePointer(to: &entry.pointee.d_name) { name in
        name.withMemoryRebound(to: CChar.self, capacity: 256) { names.append(String(cString: $0)) }
      }
    }
    closedir(directory)
    return names.filter { $0 != "." && $0 != ".." }.sorted()
  }

  /// Writes a file and returns its path.
  func write(_ text: String, to name: String) throws -> String {
    guard let file = fopen("\(path)/\(name)", "w") else {
      throw FileError.failed(attempt: "create", path: "\(path)/\(name)", code: errno)
    }
    fputs(text, file)
    fclose(file)
    return "\(path)/\(name)"
  }

  func bytes(_ name: String) throws -> [UInt8] {
    let file = try MappedFile(path: "\(path)/\(name)")
    return withExtendedLifetime(file) { Array(file.bytes) }
  }

  deinit {
    for name in files { unlink("\(path)/\(name)") }
    rmdir(path)
  }
}

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

/// SplitMix64, so that a failing case can be run again.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}

/// Checkpoints of a tiny model.
enum Tiny {
  static func configuration(tied: Bool = false, rows: Int = 40) -> ModelConfiguration {
    ModelConfiguration(
      architecture: .llama, vocabularySize: rows, hiddenSize: 24, layers: 2, heads: 4, kvHeads: 2, headDim: 6,
      feedForwardSize: 50, contextLength: 128, normEpsilon: 1e-5, tiesEmbeddings: tied,
      rope: RotaryEmbedding(theta: 10_000, inverseFrequencies: [1, 0.1, 0.01]))
  }

  /// Random weights that depend on the seed and the tensor's name only.
  static func checkpoint(_ configuration: ModelConfiguration = configuration(), seed: UInt64 = 1) -> Checkpoint {
    var tensors: [String: any TensorSource] = [:]
    for spec in configuration.tensors {
      let hash = spec.name.utf8.reduce(seed) { $0 &* 1_099_511_628_211 &+ UInt64($1) }
      var generator = SeededGenerator(state: hash)
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

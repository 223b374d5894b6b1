import DeRa
import DeRaCheckpoints
import DeRaConversion
import DeRaKernels
import DeRaTensorCore
import DeRaTestSupport
import Testing

/// A tiny checkpoint and what transformers computed with it; made by Tests/Fixtures/goldens/generate.py.
struct Golden {
  static let cases = [
    "llama2", "llama3", "mistral", "qwen2", "qwen3", "olmo2", "gemma3", "linear", "yarn",
  ]
  /// Goldens that have a second model, `NAME-aligned`.
  static let pairs = ["llama3", "gemma3"]
  static let folder = Fixtures.goldens + "/"

  /// Prompt and greedy continuation.
  let tokens: [Int32]
  /// `[positions][vocabulary]`
  let logits: [[Float]]

  init(_ name: String, file: String = "golden.safetensors") throws {
    let stored = try Safetensors(path: Self.folder + name + "/" + file)
    func read(_ tensor: String) throws -> (values: [Float], columns: Int) {
      let source = try stored.tensor(try #require(stored[tensor]))
      return (try source.readAll(), source.columns)
    }
    tokens = try read("tokens").values.map { Int32($0) }
    let (values, vocabulary) = try read("logits")
    logits = tokens.indices.map { Array(values[$0 * vocabulary..<($0 + 1) * vocabulary]) }
  }

  /// Converts the case (and its aligned models) and opens the bundle.
  static func bundle(
    _ name: String, aligned: [String] = [], bits: ConversionOptions.Bits, activations: ActivationCoding = .int8
  ) async throws -> ModelBundle {
    func checkpoint(_ name: String, _ label: String) throws -> NamedCheckpoint {
      NamedCheckpoint(name: label, checkpoint: try Checkpoint.open(path: folder + name))
    }
    let directory = try TemporaryDirectory()
    let converter = try Converter(
      reference: checkpoint(name, "reference"),
      aligned: aligned.enumerated().map { try checkpoint($1, "aligned-\($0)") },
      options: ConversionOptions(bits: bits, activations: activations))
    _ = try await converter.convert(to: directory.file("bundle.dera")) { _ in }
    return try ModelBundle(path: directory.file("bundle.dera"))
  }
}

extension Engine {
  init(_ instructionSet: InstructionSet, threads: Int = 1, activations: ActivationCoding? = nil) throws {
    try self.init(instructionSet: instructionSet, pool: ThreadPool(threads: threads), activations: activations)
  }
}

extension ModelBundle {
  /// `[realignments][positions][vocabulary]`
  func logits(_ tokens: [Int32], _ realignments: [Realignment], engine: Engine, maxOutputs: Int = 5) throws
    -> [[[Float]]]
  {
    let session = try DecodingSession(bundle: self, contextLength: tokens.count, engine: engine, maxOutputs: maxOutputs)
    var result = [[[Float]]](repeating: [], count: realignments.count)
    try session.forEachLogits(of: tokens, realignments) { result[$0].append(Array($2)) }
    return result
  }

  /// The logits after every prefix of `tokens`, one token at a time through the caches.
  func decodedLogits(_ tokens: [Int32], _ realignment: Realignment, engine: Engine) throws -> [[Float]] {
    let session = try DecodingSession(bundle: self, contextLength: tokens.count, engine: engine)
    return try tokens.map { token in
      try session.append([token])
      return Array(try session.logits(realignment))
    }
  }
}

/// Mean over positions of KL(softmax(expected) ‖ softmax(actual)), nats.
func meanKL(_ expected: [[Float]], _ actual: [[Float]]) -> Double {
  precondition(expected.count == actual.count)
  var total = 0.0
  for (left, right) in zip(expected, actual) {
    let p = logSoftmax(left)
    let q = logSoftmax(right)
    for (a, b) in zip(p, q) { total += exponential(a) * (a - b) }
  }
  return total / Double(expected.count)
}

func argmax(_ values: [Float]) -> Int { values.indices.max { values[$0] < values[$1] } ?? -1 }

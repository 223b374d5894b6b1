import DeRa
import DeRaBundle
import DeRaEvaluation
import DeRaText

/// One row of `dera bench`: llama-bench's columns, λ, memory and bytes read per token.
package struct Measurement: Encodable {
  package var model: String
  package var modelBytes: Int
  package var parameters: Int
  package var instructionSet: String
  package var threads: Int
  /// Sequences written at once.
  package var batch: Int
  package var lambda: String
  package var blend: Blend
  package var test: String
  package var medianRate: Double
  package var leastRate: Double
  package var greatestRate: Double
  package var meanRate: Double
  package var rates: [Double]
  /// Resident after the test; nil where the system does not tell.
  package var memoryBytes: Int?
  package var readBytesPerToken: Int
  /// How keys and values are held, and their bytes when all sequences' contexts are full.
  package var kvCodec: String
  package var kvBytes: Int
  /// How matrices of integers take their input.
  package var activations: String

  enum CodingKeys: String, CodingKey {
    case model, parameters, threads, batch, lambda, blend, test, activations, memoryBytes, readBytesPerToken
    case kvBytes
    case modelBytes = "modelSize"
    case instructionSet = "isa"
    case medianRate = "medianTs"
    case leastRate = "minTs"
    case greatestRate = "maxTs"
    case meanRate = "avgTs"
    case rates = "samplesTs"
    case kvCodec = "kv"
  }

  /// - Parameter rates: tokens a second, one for every repetition.
  package init(
    model: String, modelBytes: Int, parameters: Int, instructionSet: String, threads: Int, batch: Int,
    lambda: String, blend: Blend, test: String, rates: [Double], memoryBytes: Int?, readBytesPerToken: Int,
    kvCodec: String, kvBytes: Int, activations: String
  ) {
    self.model = model
    self.modelBytes = modelBytes
    self.parameters = parameters
    self.instructionSet = instructionSet
    self.threads = threads
    self.batch = batch
    self.lambda = lambda
    self.blend = blend
    self.test = test
    self.rates = rates
    self.memoryBytes = memoryBytes
    self.readBytesPerToken = readBytesPerToken
    self.kvCodec = kvCodec
    self.kvBytes = kvBytes
    self.activations = activations
    let spread = Spread(rates)
    (medianRate, leastRate, greatestRate) = (spread.median, spread.low, spread.high)
    meanRate = rates.isEmpty ? 0 : rates.reduce(0, +) / Double(rates.count)
  }

  private var spread: Spread { Spread(median: medianRate, low: leastRate, high: greatestRate) }

  init(_ batch: DecodingBatch, _ realignment: Realignment, _ test: BenchTest, _ rates: [Double]) {
    let bundle = batch.bundle
    let manifest = bundle.manifest
    let engine = batch.sessions[0].engine
    let process = ProcessMemory.current()
    self.init(
      model: "\(manifest.configuration.architecture.name) \(manifest.mainCodec)", modelBytes: manifest.weightBytes,
      parameters: manifest.footprint(model: 0).weights, instructionSet: engine.instructionSet.rawValue,
      threads: engine.pool.threads, batch: test.sequences(batch),
      lambda: realignment.description(models: bundle.alignedModels), blend: batch.sessions[0].blend,
      test: test.name, rates: rates, memoryBytes: process.map { $0.anonymousBytes + $0.fileBytes },
      readBytesPerToken: manifest.weightBytesPerToken(realignment),
      kvCodec: batch.sessions[0].cacheCodec.rawValue,
      kvBytes: batch.sessions.reduce(0) { $0 + $1.memory.kvBytes },
      activations: (engine.activations ?? manifest.activations).rawValue)
  }

  package static func table(_ measurements: [Measurement]) -> Table {
    var table = Table([
      .init("model", .left), .init("size"), .init("params"), .init("isa", .left), .init("threads"), .init("batch"),
      .init("λ"), .init("blend", .left),
      .init("test"), .init("t/s"), .init("memory"), .init("read/token"),
    ])
    table.rows = measurements.map { row in
      [
        row.model, byteText(row.modelBytes), countText(row.parameters), row.instructionSet, "\(row.threads)",
        "\(row.batch)", row.lambda, row.blend.rawValue,
        row.test, row.spread.text(2),
        row.memoryBytes.map(byteText) ?? "?", byteText(row.readBytesPerToken),
      ]
    }
    return table
  }
}

extension BundleManifest {
  /// The codec that most of the weights have.
  var mainCodec: String {
    var weights: [String: Int] = [:]
    for tensor in tensors { weights[tensor.codec.name, default: 0] += tensor.weights }
    return weights.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? "empty"
  }
}

import DeRaKernels
import DeRaModelSpec
import DeRaTensorCore
import DeRaTransformer

/// Weights of a tiny llama from a seeded generator. Their memory is left to the end of the process.
struct TinyDecoder {
  static let configuration = ModelConfiguration(
    architecture: .llama, vocabularySize: 48, hiddenSize: 64, layers: 2, heads: 4, kvHeads: 2, headDim: 16,
    feedForwardSize: 96, contextLength: 32, normEpsilon: 1e-5, tiesEmbeddings: false,
    rope: RotaryEmbedding(theta: 10_000, inverseFrequencies: (0..<8).map { 1 / Float(1 << $0) }))

  static let matrices: [WritableKeyPath<LayerWeights.Matrices, Linear> & Sendable] = [
    \.query, \.key, \.value, \.attentionOutput, \.gate, \.up, \.down,
  ]

  private var state: UInt64

  init(seed: UInt64) { state = seed }

  private mutating func uniform() -> Float {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(state >> 40) / Float(1 << 23) - 1
  }

  mutating func values(_ count: Int, scale: Float = 1) -> [Float] { (0..<count).map { _ in uniform() * scale } }

  static func allocate<Element>(_ elements: [Element]) -> UnsafeMutablePointer<Element> {
    let pointer = UnsafeMutablePointer<Element>.allocate(capacity: elements.count)
    pointer.initialize(from: elements, count: elements.count)
    return pointer
  }

  /// One change of a matrix.
  static func change(_ matrix: PackedMatrix, a: PackedMatrix? = nil) -> Linear.Changes {
    Linear.Changes(start: allocate([Linear.Change(matrix, a: a)]), count: 1)
  }

  /// `values` `[rows, columns]` as f16.
  static func half(_ values: [Float], rows: Int, columns: Int) throws -> PackedMatrix {
    let layout = try PackedLayout(codec: .f16, rows: rows, columns: columns)
    var packed = [Float16](repeating: 0, count: layout.byteCount / 2)
    for row in 0..<rows {
      for column in 0..<columns {
        packed[row / 16 * layout.tileBytes / 2 + column * 16 + row % 16] = Float16(values[row * columns + column])
      }
    }
    return PackedMatrix(layout: layout, bytes: allocate(packed))
  }

  /// Random int8 codes with one scale.
  mutating func integers(rows: Int, columns: Int, scale: Float) throws -> PackedMatrix {
    let layout = try PackedLayout(codec: .int8, rows: rows, columns: columns)
    let bits = Float16(scale / 127).bitPattern
    var packed = (0..<layout.byteCount).map { _ in UInt8(bitPattern: Int8(uniform() * 127)) }
    for block in stride(from: 0, to: packed.count, by: PackedCodec.int8.blockBytes) {
      for row in 0..<16 {
        packed[block + 2 * row] = UInt8(truncatingIfNeeded: bits)
        packed[block + 2 * row + 1] = UInt8(bits >> 8)
      }
    }
    return PackedMatrix(layout: layout, bytes: Self.allocate(packed))
  }

  private mutating func linear(_ rows: Int, _ columns: Int) throws -> Linear {
    Linear(matrix: try integers(rows: rows, columns: columns, scale: 2 / Float(columns).squareRoot()))
  }

  /// A model with int8 matrices.
  mutating func model() throws -> ModelWeights {
    let shape = Self.configuration
    let norm = UnsafePointer(Self.allocate([Float](repeating: 1, count: shape.hiddenSize)))
    var layers: [LayerWeights] = []
    for _ in 0..<shape.layers {
      var linears: [ModelTensor: Linear] = [:]
      for spec in shape.tensors where spec.tensor.input != nil {
        if linears[spec.tensor] == nil { linears[spec.tensor] = try linear(spec.rows, spec.columns) }
      }
      layers.append(
        LayerWeights(
          linear: { linears[$0]! }, vector: { [.attentionNorm, .feedForwardNorm].contains($0) ? norm : nil }))
    }
    return ModelWeights(
      embedding: try linear(shape.vocabularySize, shape.hiddenSize),
      output: try linear(shape.vocabularySize, shape.hiddenSize), outputNorm: norm, layers: layers)
  }
}

extension Decoder {
  /// Final hidden states of `tokens` under the models given, one pass: `[models, tokens · hiddenSize]`.
  /// - Parameter sequences: that of every model; one sequence of all if nil.
  func hidden(
    _ tokens: [Int32], models: [Int], threads: Int = 1, on set: InstructionSet = .best, sequences: [Int]? = nil
  ) throws -> [[Float]] {
    let engine = try Engine(instructionSet: set, pool: ThreadPool(threads: threads))
    let state = try DecoderState(
      self, engine: engine, maxColumns: tokens.count * models.count, maxOutputs: 1, context: tokens.count)
    let caches = try models.map { _ in try KVCache(configuration, capacity: tokens.count) }
    let width = configuration.hiddenSize
    return tokens.withUnsafeBufferPointer { tokens in
      let runs = models.indices.map {
        Run(
          model: models[$0], sequence: sequences?[$0] ?? 0, cache: caches[$0], tokens: tokens.baseAddress!,
          count: tokens.count)
      }
      // An array may end after its last use, and runs do not hold their caches.
      withExtendedLifetime(caches) { runs.withUnsafeBufferPointer { forward($0, in: state) } }
      return models.indices.map { model in
        (0..<tokens.count).flatMap { column in
          UnsafeBufferPointer(start: state.final.column(model * tokens.count + column), count: width)
        }
      }
    }
  }
}

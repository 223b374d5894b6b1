import DeRaKernels
import DeRaModelSpec
import DeRaTensorCore

/// A linear layer of one model: y = scale · matrix · x, plus what a model changes of a matrix that it shares.
package struct Linear: @unchecked Sendable {
  /// A term added to the product: scale · matrix · x, or scale · matrix · (a · x) where there is `a`.
  package struct Change: @unchecked Sendable {
    /// `[rows, columns]`; beside `a` the left factor, `[rows, rank]`.
    package var matrix: PackedMatrix
    /// The right factor of a low-rank change, `[rank, columns]`: a LoRA adapter, its own scale worked into `matrix`.
    package var a: PackedMatrix?
    package var scale: Float
    /// A model's whole weights, in a blend of weights; not a small difference, so that logits show its rounding.
    package var holdsFullWeights: Bool

    package init(_ matrix: PackedMatrix, a: PackedMatrix? = nil, scale: Float = 1, holdsFullWeights: Bool = false) {
      self.matrix = matrix
      self.a = a
      self.scale = scale
      self.holdsFullWeights = holdsFullWeights
    }

    var rank: Int { a?.layout.rows ?? 0 }
  }

  package typealias Changes = UnsafeBufferPointer<Change>

  /// `[rows, columns]`; the reference's own bytes where they are shared.
  package var matrix: PackedMatrix
  /// 1 but in blends of weights.
  package var scale: Float
  /// Deltas in `WeightMemory` that outlives every use.
  package var changes: Changes

  package init(matrix: PackedMatrix, scale: Float = 1, changes: Changes = Changes(start: nil, count: 0)) {
    self.matrix = matrix
    self.scale = scale
    self.changes = changes
  }

  var rank: Int { changes.reduce(0) { max($0, $1.rank) } }

  /// The factor of a product with one of its matrices; nil for a matrix that it does not have.
  func scale(of matrix: PackedMatrix) -> Float? {
    if self.matrix.bytes == matrix.bytes { return scale }
    return changes.first { $0.matrix.bytes == matrix.bytes }?.scale
  }
}

/// The memory that models need beside the mapped file: lists of changes, and vectors that were computed.
package final class WeightMemory: @unchecked Sendable {
  private var blocks: [UnsafeMutableRawPointer] = []

  package init() {}

  deinit { for block in blocks { block.deallocate() } }

  /// A copy of plain values that lives as long as this object.
  package func store<Element>(_ elements: [Element]) -> UnsafeBufferPointer<Element> {
    guard !elements.isEmpty else { return UnsafeBufferPointer(start: nil, count: 0) }
    let copy = UnsafeMutableBufferPointer<Element>.allocate(capacity: elements.count)
    _ = copy.initialize(from: elements)
    if let address = copy.baseAddress { blocks.append(UnsafeMutableRawPointer(address)) }
    return UnsafeBufferPointer(copy)
  }
}

/// One layer of one model: views into the mapped bundle. Matrices are `[rows, columns]`, vectors f32.
///
/// Which of the optional vectors exist follows from the architecture; the decoder looks at the vectors alone, so it needs
/// no case for a family.
package struct LayerWeights: @unchecked Sendable {
  /// A layer's matrices, in order of use.
  package struct Matrices: Sendable {
    /// `[queryWidth, hiddenSize]`
    package var query: Linear
    /// `[kvWidth, hiddenSize]`
    package var key: Linear
    /// `[kvWidth, hiddenSize]`
    package var value: Linear
    /// `[hiddenSize, queryWidth]`
    package var attentionOutput: Linear
    /// `[feedForwardSize, hiddenSize]`
    package var gate: Linear
    /// `[feedForwardSize, hiddenSize]`
    package var up: Linear
    /// `[hiddenSize, feedForwardSize]`
    package var down: Linear

    static let all: [WritableKeyPath<Matrices, Linear> & Sendable] = [
      \.query, \.key, \.value, \.attentionOutput, \.gate, \.up, \.down,
    ]
  }

  package typealias Vector = UnsafePointer<Float>

  package var matrices: Matrices
  /// `[hiddenSize]` each: before and after attention, before and after the feed-forward.
  package var attentionNorm: Vector?
  package var postAttentionNorm: Vector?
  package var feedForwardNorm: Vector?
  package var postFeedForwardNorm: Vector?
  /// `[headDim]`, or the projection's whole width, as `Architecture.queryKeyNorm` says.
  package var queryNorm: Vector?
  package var keyNorm: Vector?
  /// `[queryWidth]`, `[kvWidth]`, `[kvWidth]`
  package var queryBias: Vector?
  package var keyBias: Vector?
  package var valueBias: Vector?

  /// Collects one layer.
  /// - Parameters:
  ///   - linear: the matrix of that kind; every one of `Matrices` is asked for.
  ///   - vector: the vector of that kind, or nil where the architecture has none.
  package init(
    linear: (ModelTensor) throws -> Linear, vector: (ModelTensor) throws -> Vector?
  ) rethrows {
    matrices = Matrices(
      query: try linear(.query), key: try linear(.key), value: try linear(.value),
      attentionOutput: try linear(.attentionOutput), gate: try linear(.gate),
      up: try linear(.up), down: try linear(.down))
    attentionNorm = try vector(.attentionNorm)
    postAttentionNorm = try vector(.postAttentionNorm)
    feedForwardNorm = try vector(.feedForwardNorm)
    postFeedForwardNorm = try vector(.postFeedForwardNorm)
    queryNorm = try vector(.queryNorm)
    keyNorm = try vector(.keyNorm)
    queryBias = try vector(.queryBias)
    keyBias = try vector(.keyBias)
    valueBias = try vector(.valueBias)
  }
}

/// One model: views into the mapped bundle. Models of a bundle that share a tensor point to the same bytes.
package struct ModelWeights: @unchecked Sendable {
  /// `[vocabularySize, hiddenSize]`
  package var embedding: Linear
  /// `[vocabularySize, hiddenSize]`; the embedding itself where tied.
  package var output: Linear
  /// `[hiddenSize]`
  package var outputNorm: UnsafePointer<Float>
  package var layers: [LayerWeights]
  /// The memory behind the views that is not in the file.
  private let memory: WeightMemory

  package init(
    embedding: Linear, output: Linear, outputNorm: UnsafePointer<Float>, layers: [LayerWeights],
    memory: WeightMemory = WeightMemory()
  ) {
    self.embedding = embedding
    self.output = output
    self.outputNorm = outputNorm
    self.layers = layers
    self.memory = memory
  }

  /// Every matrix.
  var linears: [Linear] {
    [embedding, output] + layers.flatMap { layer in LayerWeights.Matrices.all.map { layer.matrices[keyPath: $0] } }
  }
}

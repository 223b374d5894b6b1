import DeRaKernels
import DeRaModelSpec
import DeRaTensorCore

/// The working memory of forward passes and the threads that run them; not shared between concurrent passes.
package final class DecoderState {
  let arena: Arena
  package let engine: Engine
  /// The coding of the inputs of layers' matrices.
  package let activations: ActivationCoding
  /// The streaming of the bundle's own models; nil keeps all weights.
  package var streaming: WeightStreaming?
  private let fullRotation: Rotations
  private let slidingRotation: Rotations
  /// nil where keys are cached with their bias.
  private let fullPositions: PositionTable?
  private let slidingPositions: PositionTable?

  /// - Parameters:
  ///   - maxColumns: most tokens of a pass, all runs together.
  ///   - maxOutputs: most positions whose logits are computed together.
  ///   - context: most positions a cache of these passes has.
  ///   - cacheCodec: of those caches.
  /// - Throws: `TensorError` when the buffers do not fit into the address space.
  package init(
    _ decoder: Decoder, engine: Engine, maxColumns: Int, maxOutputs: Int, context: Int, cacheCodec: CacheCodec = .f16
  ) throws(TensorError) {
    // A norm after the bias cannot be taken apart.
    let splitsKeyBias = cacheCodec == .int8 && decoder.layers.contains { $0.keyBias != nil && $0.keyNorm == nil }
    self.engine = engine
    activations = engine.activations ?? decoder.activations
    arena = try Arena(
      decoder.configuration,
      Arena.Sizes(
        models: decoder.models.count, limits: decoder.limits, maxColumns: maxColumns, outputs: maxOutputs,
        context: context, threads: engine.pool.threads, planes: activations.planes, splitsKeyBias: splitsKeyBias))
    fullRotation = Rotations(decoder.configuration.rope, columns: maxColumns)
    slidingRotation = decoder.configuration.slidingRope.map { Rotations($0, columns: maxColumns) } ?? fullRotation
    fullPositions = splitsKeyBias ? try PositionTable(fullRotation, context: context) : nil
    slidingPositions =
      splitsKeyBias && slidingRotation !== fullRotation
      ? try PositionTable(slidingRotation, context: context) : fullPositions
  }

  package var maxColumns: Int { arena.maxColumns }
  package var maxOutputs: Int { arena.blended.columns }
  /// Bytes of every buffer together.
  package var byteCount: Int {
    let rotations = fullRotation === slidingRotation ? [fullRotation] : [fullRotation, slidingRotation]
    let tables = [fullPositions, fullPositions === slidingPositions ? nil : slidingPositions].compactMap(\.self)
    return rotations.reduce(arena.byteCount) { $0 + $1.byteCount } + tables.reduce(0) { $0 + $1.byteCount }
  }

  /// Called with what a layer's matrices multiply, `[columns of the pass, width]`; nil, as it usually is, costs a comparison
  /// for each product.
  package var inputObserver: ((MatrixInput, Panel) -> Void)?

  /// The residual stream, `[columns, hiddenSize]`.
  package var hidden: Panel { arena.hidden }

  /// The normalised final hidden states of the last pass, `[columns, hiddenSize]`.
  package var final: Panel { arena.normed }

  /// Gives the first `count` columns the angles of their positions.
  func setRotations(_ count: Int) {
    let positions = UnsafeBufferPointer(start: arena.positions, count: count)
    fullRotation.set(positions)
    if slidingRotation !== fullRotation { slidingRotation.set(positions) }
    guard let fullPositions, let last = positions.max() else { return }
    fullPositions.extend(to: Int(last) + 1)
    slidingPositions?.extend(to: Int(last) + 1)
  }

  /// The positions' cosines and sines, with which keys are scored that are cached without their bias; nil where they are
  /// cached with it.
  func positions(sliding: Bool) -> UnsafePointer<Float>? {
    (sliding ? slidingPositions : fullPositions).map { UnsafePointer($0.values) }
  }

  func rotation(sliding: Bool) -> Rotations { sliding ? slidingRotation : fullRotation }

  /// Where the codes of a panel go.
  /// - Parameter coding: nil for the state's.
  func codes(_ input: Panel, _ coding: ActivationCoding? = nil) -> QuantizedPanel {
    QuantizedPanel(
      memory: arena.codes, columns: input.columns, width: input.width, planes: (coding ?? activations).planes)
  }

  /// Where its codes go with aligned columns as differences, which need one row only.
  func differenceCodes(_ input: Panel) -> QuantizedPanel {
    QuantizedPanel(
      memory: arena.differenceCodes, columns: input.columns, width: input.width, planes: activations.planes,
      starts: arena.differenceStarts)
  }
}

extension Rotations {
  convenience init(_ rope: RotaryEmbedding, columns: Int) {
    self.init(inverseFrequencies: rope.inverseFrequencies, magnitude: rope.magnitude, columns: columns)
  }
}

import DeRaKernels
import DeRaModelSpec
import DeRaTensorCore

// A layer over the columns of a pass. Norm, bias and matrix are looked up per model; the models of a bundle have one
// architecture, so what one lacks all lack.
extension Decoder {
  typealias VectorOf = (LayerWeights) -> LayerWeights.Vector?
  typealias LinearOf = (LayerWeights.Matrices) -> Linear

  /// hidden += postNorm(attentionOutput · attention(rope(query), rope(key), value))
  func attend(_ layer: Int, _ pass: Pass, _ state: DecoderState) {
    let arena = state.arena
    let input = normed(arena.hidden, layer, pass, state, \.attentionNorm)
    state.inputObserver?(.attention, input)
    var products = Products(pass, input, state)
    add(layer, to: &products, arena.query, \.query)
    add(layer, to: &products, arena.key, \.key)
    add(layer, to: &products, arena.value, \.value)
    products.run()

    let headDim = configuration.headDim
    let normWidth = configuration.architecture.queryKeyNorm == .perHead ? headDim : nil
    forEach(layer, pass, \.queryBias) { state.engine.addBias($1, to: arena.query.slice(columns: $0)) }
    if !splitsKeyBias(layer, state) {
      forEach(layer, pass, \.keyBias) { state.engine.addBias($1, to: arena.key.slice(columns: $0)) }
    }
    forEach(layer, pass, \.valueBias) { state.engine.addBias($1, to: arena.value.slice(columns: $0)) }
    forEach(layer, pass, \.queryNorm) {
      normGroups(arena.query.slice(columns: $0), $1, normWidth ?? configuration.queryWidth, state)
    }
    forEach(layer, pass, \.keyNorm) {
      normGroups(arena.key.slice(columns: $0), $1, normWidth ?? configuration.kvWidth, state)
    }

    attention(layer, slides: configuration.layerSlides[layer], pass, state)

    let mixed = arena.mixed.slice(columns: 0..<pass.count)
    state.inputObserver?(.attentionOutput, mixed)
    products = Products(pass, mixed, state)
    add(layer, to: &products, arena.update, \.attentionOutput)
    products.run()
    addUpdate(layer, pass, state, \.postAttentionNorm)
  }

  /// hidden += postNorm(down · (activation(gate) ⊙ up))
  func feedForward(_ layer: Int, _ pass: Pass, _ state: DecoderState) {
    let arena = state.arena
    let columns = 0..<pass.count
    let input = normed(arena.hidden, layer, pass, state, \.feedForwardNorm)
    state.inputObserver?(.feedForward, input)
    var products = Products(pass, input, state)
    add(layer, to: &products, arena.gate, \.gate)
    add(layer, to: &products, arena.up, \.up)
    products.run()

    let gate = arena.gate.slice(columns: columns)
    state.engine.gate(
      configuration.architecture.activation == .silu ? .silu : .geluTanh, gate: gate,
      up: arena.up.slice(columns: columns), into: gate)
    state.inputObserver?(.down, gate)
    products = Products(pass, gate, state)
    add(layer, to: &products, arena.update, \.down)
    products.run()
    addUpdate(layer, pass, state, \.postFeedForwardNorm)
  }

  /// The input of a block: normalised where the architecture normalises before it, else the panel itself.
  private func normed(_ panel: Panel, _ layer: Int, _ pass: Pass, _ state: DecoderState, _ norm: VectorOf) -> Panel {
    let columns = 0..<pass.count
    var isNormed = false
    forEach(layer, pass, norm) { group, weight in
      isNormed = true
      state.engine.rmsNorm(
        panel.slice(columns: group), weight: weight, epsilon: configuration.normEpsilon,
        into: state.arena.normed.slice(columns: group))
    }
    return (isNormed ? state.arena.normed : panel).slice(columns: columns)
  }

  private func addUpdate(_ layer: Int, _ pass: Pass, _ state: DecoderState, _ norm: VectorOf) {
    let update = normed(state.arena.update, layer, pass, state, norm)
    state.engine.add(update, to: state.arena.hidden.slice(columns: 0..<pass.count))
  }

  private func normGroups(_ panel: Panel, _ weight: LayerWeights.Vector, _ width: Int, _ state: DecoderState) {
    state.engine.rmsNormHeads(panel, headDim: width, weight: weight, epsilon: configuration.normEpsilon)
  }

  /// Calls `body` with the columns of every model and that model's vector; not at all where the architecture has none.
  private func forEach(
    _ layer: Int, _ pass: Pass, _ vector: VectorOf, _ body: (Range<Int>, LayerWeights.Vector) -> Void
  ) {
    for group in pass.groups {
      if let vector = vector(layers[group.model * configuration.layers + layer]) { body(group.columns, vector) }
    }
  }

  /// Adds the product with one of a layer's matrices.
  private func add(_ layer: Int, to products: inout Products, _ output: Panel, _ linear: LinearOf) {
    products.add(output) { linear(layers[$0 * configuration.layers + layer].matrices) }
  }
}

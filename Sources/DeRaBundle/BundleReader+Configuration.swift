import DeRaGGUF
import DeRaModelSpec

extension BundleReader {
  /// Larger sizes are refused, so that the product of any two fits in `Int`.
  private static var sizeLimit: Int { Int(Int32.max) }

  func configuration() throws(BundleError) -> ModelConfiguration {
    let architecture = try architecture()
    func key(_ suffix: String) -> String { "\(architecture.name).\(suffix)" }
    var configuration = ModelConfiguration(
      architecture: architecture, vocabularySize: 1, hiddenSize: 1, layers: 1, heads: 1, kvHeads: 1, headDim: 2,
      feedForwardSize: 1, contextLength: 1, normEpsilon: try positive(key("attention.layer_norm_rms_epsilon")),
      tiesEmbeddings: try get { (file) throws(GGUFError) in try file.bool(BundleKey.tiedEmbeddings) },
      rope: RotaryEmbedding(theta: 1, inverseFrequencies: []))
    for (suffix, field) in integerFields { configuration[keyPath: field] = try size(key(suffix)) }
    try checkSizes(configuration, key)
    configuration.attentionScale = try positive(BundleKey.attentionScale)
    configuration.embeddingScale = try positive(BundleKey.embeddingScale)
    configuration.rope = try rope(BundleKey.rope, headDim: configuration.headDim)
    if file[BundleKey.slidingRope.inverseFrequencies] != nil {
      configuration.slidingRope = try rope(BundleKey.slidingRope, headDim: configuration.headDim)
    }
    let window = key("attention.sliding_window")
    if file[window] != nil { configuration.slidingWindow = try size(window) }
    configuration.layerSlides = try layerSlides(configuration, windowKey: window)
    return configuration
  }

  private func architecture() throws(BundleError) -> Architecture {
    let name = try get { (file) throws(GGUFError) in try file.string(BundleKey.architecture) }
    guard let architecture = Architecture.named(name) else {
      let supported = Architecture.all.map(\.name).joined(separator: ", ")
      throw invalid(BundleKey.architecture, "\"\(name.prefix(80))\"", "one of \(supported)")
    }
    return architecture
  }

  private func checkSizes(_ configuration: ModelConfiguration, _ key: (String) -> String) throws(BundleError) {
    // Every layer has tensors of its own; the inventory is not built for layers that cannot be there.
    guard configuration.layers <= file.tensors.count else {
      throw invalid(key("block_count"), "\(configuration.layers)", "no more than the \(file.tensors.count) tensors")
    }
    guard configuration.headDim % 2 == 0 else {
      throw invalid(key("attention.key_length"), "\(configuration.headDim)", "an even number")
    }
    let values = try size(key("attention.value_length"))
    guard values == configuration.headDim else {
      throw invalid(key("attention.value_length"), "\(values)", "the key length, \(configuration.headDim)")
    }
    guard configuration.heads % configuration.kvHeads == 0 else {
      throw invalid(
        key("attention.head_count_kv"), "\(configuration.kvHeads)", "a divisor of the \(configuration.heads) heads")
    }
    guard configuration.queryWidth <= Self.sizeLimit else {
      throw invalid(key("attention.head_count"), "\(configuration.heads)", "a width of at most \(Self.sizeLimit)")
    }
  }

  private func layerSlides(_ configuration: ModelConfiguration, windowKey: String) throws(BundleError) -> [Bool] {
    let slides = try get { (file) throws(GGUFError) in try file.array(BundleKey.layerSlides, of: .bool) }.bools ?? []
    guard slides.count == configuration.layers else {
      throw invalid(BundleKey.layerSlides, "\(slides.count) values", "one for each of \(configuration.layers) layers")
    }
    guard configuration.slidingWindow != nil || !slides.contains(true) else {
      throw invalid(windowKey, "missing", "a window, since \(BundleKey.layerSlides) has layers that slide")
    }
    return slides
  }

  private func rope(_ keys: BundleKey.RopeKeys, headDim: Int) throws(BundleError) -> RotaryEmbedding {
    let array = try get { (file) throws(GGUFError) in try file.array(keys.inverseFrequencies, of: .float32) }
    let frequencies = array.float32s ?? []
    guard frequencies.count == headDim / 2 else {
      throw invalid(keys.inverseFrequencies, "\(frequencies.count) values", "half the head size, \(headDim / 2)")
    }
    if let bad = frequencies.first(where: { !$0.isFinite || $0 < 0 }) {
      throw invalid(keys.inverseFrequencies, "\(bad)", "finite values, zero or more")
    }
    return RotaryEmbedding(
      theta: try positive(keys.theta), inverseFrequencies: frequencies, magnitude: try positive(keys.magnitude))
  }

  private func size(_ key: String) throws(BundleError) -> Int {
    let value = try get { (file) throws(GGUFError) in try file.int(key) }
    guard (1...Self.sizeLimit).contains(value) else { throw invalid(key, "\(value)", "1 to \(Self.sizeLimit)") }
    return value
  }

  private func positive(_ key: String) throws(BundleError) -> Float {
    let value = try get { (file) throws(GGUFError) in try file.float(key) }
    guard value.isFinite, value > 0 else { throw invalid(key, "\(value)", "a finite positive number") }
    return value
  }
}

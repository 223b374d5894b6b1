import DeRaBundle
import DeRaModelSpec
import DeRaTensorCore

/// A bundle of three tiny int8 models: `brief` has its own first query matrix, `happy` all of its own but the norms.
func tinyManifest(tied: Bool = true) throws -> BundleManifest {
  let configuration = ModelConfiguration(
    architecture: .llama, vocabularySize: 100, hiddenSize: 64, layers: 2, heads: 4, kvHeads: 2, headDim: 16,
    feedForwardSize: 128, contextLength: 512, normEpsilon: 1e-5, tiesEmbeddings: tied,
    rope: RotaryEmbedding(theta: 10_000, inverseFrequencies: [Float](repeating: 1, count: 8)))
  var tensors: [BundleTensor] = []
  for spec in configuration.tensors {
    let codec: BundleCodec = spec.role.isMatrix ? .packed(.int8) : .f32
    tensors.append(try BundleTensor(spec: spec, model: 0, codec: codec))
    if spec.name == "blk.0.attn_q.weight" { tensors.append(try BundleTensor(spec: spec, model: 1, codec: codec)) }
    if spec.role.isMatrix { tensors.append(try BundleTensor(spec: spec, model: 2, codec: codec)) }
  }
  return BundleManifest(
    models: ["sft", "brief", "happy"], configuration: configuration, endOfTextIDs: [2], provenance: "{}",
    tensors: tensors)
}

import DeRaBundle
import DeRaModelSpec
import DeRaTensorCore
import DeRaTestSupport

/// A bundle of three tiny int8 models: `brief` has its own first query matrix, `happy` all of its own but the norms.
func tinyManifest(tied: Bool = true) throws -> BundleManifest {
  let configuration = ModelConfiguration.tiny(
    vocabulary: 100, hidden: 64, headDim: 16, feedForward: 128, context: 512, tied: tied)
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

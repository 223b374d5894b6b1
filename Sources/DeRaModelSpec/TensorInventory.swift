/// One tensor of a model: the table the checkpoint readers, the converter and the loader share.
package struct TensorSpec: Sendable, Equatable {
  /// The use of a tensor; error statistics and bit allocation go by it.
  package enum Role: String, Sendable, CaseIterable {
    case embedding, output, query, key, value
    case attentionOutput = "attention_output"
    case gate, up, down, norm, bias
    /// Stored packed in tiles; the others stay f32 vectors.
    package var isMatrix: Bool { self != .norm && self != .bias }
  }

  package let tensor: ModelTensor
  /// Our name, which is GGUF's: `blk.3.attn_q.weight`.
  package let name: String
  /// Hugging Face's: `model.layers.3.self_attn.q_proj.weight`.
  package let huggingFaceName: String
  package let role: Role
  /// Output width of a matrix, length of a vector.
  package let rows: Int
  /// Input width of a matrix, 1 for a vector.
  package let columns: Int

  /// - Parameter layer: nil for a tensor outside the layers.
  init(_ tensor: ModelTensor, layer: Int? = nil, in model: ModelConfiguration) {
    self.tensor = tensor
    name = layer.map(tensor.name(layer:)) ?? tensor.name
    huggingFaceName = model.architecture.huggingFaceName(of: tensor, layer: layer)
    role = tensor.role
    rows = tensor.rows(in: model)
    columns = tensor.columns(in: model)
  }
}

extension ModelConfiguration {
  /// Every tensor of the model, embedding first, then layer by layer, then what follows the layers.
  package var tensors: [TensorSpec] {
    let kinds = ModelTensor.allCases.filter { $0.exists(in: self) }
    func specs(_ kinds: some Sequence<ModelTensor>, layer: Int? = nil) -> [TensorSpec] {
      kinds.map { TensorSpec($0, layer: layer, in: self) }
    }
    let ofLayer = kinds.filter(\.isOfLayer)
    return specs(kinds.prefix { !$0.isOfLayer }) + (0..<layers).flatMap { specs(ofLayer, layer: $0) }
      + specs(kinds.drop { !$0.isOfLayer }.drop(while: \.isOfLayer))
  }
}

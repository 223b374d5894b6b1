/// The change that an aligned model makes to one tensor of the reference.
///
/// `Tensor` is whatever stands for a stored matrix: a bundle's entry, or a view of its bytes.
package enum TensorChange<Tensor> {
  /// Nothing.
  case shared
  /// The model has its own tensor in the reference's place.
  case own(Tensor)
  /// A matrix of the same shape, whose product is added to that of the reference's.
  case delta(Tensor)
  /// b · (a · x) is added to the reference's product: `a` is `[rank, columns]`, `b` `[rows, rank]`.
  case lowRank(a: Tensor, b: Tensor)

  /// The same change of other stand-ins.
  /// - Throws: what `transform` throws.
  package func map<Other, Failure: Error>(
    _ transform: (Tensor) throws(Failure) -> Other
  ) throws(Failure) -> TensorChange<Other> {
    switch self {
    case .shared: .shared
    case .own(let tensor): .own(try transform(tensor))
    case .delta(let tensor): .delta(try transform(tensor))
    case .lowRank(let a, let b): .lowRank(a: try transform(a), b: try transform(b))
    }
  }

  /// The stored tensors it consists of.
  package var tensors: [Tensor] {
    switch self {
    case .shared: []
    case .own(let tensor), .delta(let tensor): [tensor]
    case .lowRank(let a, let b): [a, b]
    }
  }

  /// Whether the model also uses the reference's tensor.
  package var usesReference: Bool { if case .own = self { false } else { true } }
}

extension TensorChange: Sendable where Tensor: Sendable {}
extension TensorChange: Equatable where Tensor: Equatable {}

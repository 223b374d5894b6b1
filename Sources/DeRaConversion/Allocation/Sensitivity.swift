import DeRaModelSpec
import DeRaTensorCore

/// The factors that turn errors of weights into nats of KL.
///
/// The KL of the full-precision blend from the stored one is taken as a sum over matrices (it is quadratic in small errors
/// that do not know of each other):
///
///     KL(λ) = Σ s · (e + a) + λ² · K · Σ p · (lost + noise · n)
///
/// with e the base's relative squared error, a that of activations coded in 8 bits, K the aligned model's KL from the
/// reference, p the matrix's part in it, `lost` the part of its difference that is not stored and `noise` the relative squared
/// error of what is. Both models see the base's error, whatever λ; a matrix stored whole for the aligned model has its
/// own, and then the base's counts (1 − λ)² and its own λ².
package struct Sensitivity: Sendable, Equatable {
  /// s of all matrices of a role together: nats for each unit of relative squared error, of a model with a tied embedding.
  package var roles: [TensorSpec.Role: Double] = [
    .embedding: 14, .query: 4.5, .key: 3, .value: 12, .attentionOutput: 3.2, .gate: 4.6, .up: 6.8, .down: 12,
  ]
  /// An embedding that is not the output matrix, and that matrix.
  package var untiedEmbedding = 4.0
  package var output = 10.0
  /// a: blocks of 32 in 8 bits, for matrices that are not f16.
  package var activationError = 6e-5
  /// n: errors that do not point along the difference do less than leaving a part of it out.
  package var noiseWeight = 0.03
  /// K for each unit of s-weighted squared difference, where K was not measured, and its greatest value.
  package var estimatedAlignment = 150.0
  package var greatestEstimate = 1.0
  /// K of each aligned model where it was measured, nats: KL(aligned ‖ reference) a token.
  package var alignments: [Int: Double] = [:]

  /// - Parameter activations: the runtime's coding; the loss of 16 bits is not worth counting.
  package init(activations: ActivationCoding = .int8) {
    if activations == .int16 { activationError = 0 }
  }

  /// s of one matrix.
  func weight(of spec: TensorSpec, in configuration: ModelConfiguration) -> Double {
    let count = Double(max(1, configuration.tensors.count { $0.role == spec.role }))
    switch spec.role {
    case .embedding where !configuration.tiesEmbeddings: return untiedEmbedding
    case .output: return output
    default: return (roles[spec.role] ?? 0) / count
    }
  }
}

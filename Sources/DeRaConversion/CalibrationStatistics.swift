import DeRaBundle
import DeRaDigest
import DeRaModelSpec
import DeRaQuantization

/// The input statistics of the reference's matrices, from running it over a text.
package struct CalibrationStatistics: Sendable {
  /// Tokens of the text that were counted.
  package let tokens: Int
  /// SHA-256 of the text, which the bundle's provenance names.
  package let textSHA256: String
  /// Error feedback by the names of matrices.
  private let feedback: [String: ErrorFeedback]

  /// - Parameters:
  ///   - text: UTF-8.
  ///   - feedback: by the names of matrices; that of the embedding is the output matrix's where they are tied.
  package init(text: [UInt8], tokens: Int, feedback: [String: ErrorFeedback]) {
    textSHA256 = SHA256.hexadecimal(of: text)
    self.tokens = tokens
    self.feedback = feedback
  }

  /// The error feedback of a matrix; for the reference's matrices and those that aligned models have instead.
  package func feedback(for tensor: BundleTensor) -> ErrorFeedback? {
    tensor.part == .whole ? feedback[tensor.spec.name] : nil
  }
}

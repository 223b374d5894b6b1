import Bundle
import ModelSpec
import Quantization

/// What running the reference over a text tells of the inputs of its matrices.
public struct CalibrationStatistics: Sendable {
  /// The input that several matrices may have in common.
  public struct Input: Sendable {
    /// Mean square of each of the matrices' columns, `[columns]`.
    public var secondMoments: [Float]
    /// Nil where only the moments were wanted.
    public var feedback: ErrorFeedback?

    public init(secondMoments: [Float], feedback: ErrorFeedback? = nil) {
      self.secondMoments = secondMoments
      self.feedback = feedback
    }
  }

  /// Tokens of the text that were counted.
  public let tokens: Int
  /// SHA-256 of the text, which the bundle's provenance names.
  public let textSHA256: String
  /// By the names of matrices.
  private let inputs: [String: Input]

  /// - Parameters:
  ///   - text: UTF-8.
  ///   - inputs: by the names of matrices; those of the embedding are the output matrix's where they are tied.
  public init(text: [UInt8], tokens: Int, inputs: [String: Input]) {
    textSHA256 = Digest.text(of: text)
    self.tokens = tokens
    self.inputs = inputs
  }

  /// Mean square of each input column of a matrix, `[columns]`; nil where it is not known: of an embedding table that is no
  /// output matrix.
  public func secondMoments(of tensor: String) -> [Float]? { inputs[tensor]?.secondMoments }

  /// How errors of a matrix are made good; for the reference's matrices and those that aligned models have instead.
  func feedback(for tensor: BundleTensor) -> ErrorFeedback? {
    tensor.part == .whole ? inputs[tensor.spec.name]?.feedback : nil
  }
}

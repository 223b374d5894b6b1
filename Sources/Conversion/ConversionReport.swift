import Bundle
import FoundationEssentials
import ModelSpec
import Quantization
import TensorCore

/// What a conversion made, for people and (encoded) for programs.
public struct ConversionReport: Sendable, Equatable, Codable {
  public struct Model: Sendable, Equatable, Codable {
    public var name: String
    public var ownTensors: Int
    /// Tensors taken from the reference, with something added.
    public var changedTensors: Int
    public var sharedTensors: Int
    public var ownBytes: Int
    public var sharedBytes: Int
    public var weights: Int
    /// Bits that the model adds to the bundle for each of its weights.
    public var ownBitsPerWeight: Double
    /// Bits that running the model alone reads for each of its weights.
    public var bitsPerWeight: Double
  }

  /// The matrices of one role in one codec, those of the reference and those that aligned models have instead.
  public struct TensorClass: Sendable, Equatable, Codable {
    public var role: String
    public var codec: String
    public var tensors: Int
    public var weights: Int
    public var relativeRMSError: Double
  }

  /// What one aligned model changes of the matrices of one role, stored in one way.
  public struct Change: Sendable, Equatable, Codable {
    public var model: String
    public var role: String
    /// `own`, `delta` or `rank R`.
    public var kind: String
    public var codec: String
    public var tensors: Int
    /// Bits for each weight of the whole matrices.
    public var bitsPerWeight: Double
    /// |D| / |W| of the difference D from the reference's weights W; of own matrices, from a sample.
    public var relativeDifference: Double
    /// |stored − D| / |D|; nil for own matrices.
    public var relativeError: Double?
    /// ⟨stored, D⟩ / ⟨D, D⟩: below 1 it acts like a smaller λ; nil for own matrices.
    public var gain: Double?
  }

  public struct TensorError: Sendable, Equatable, Codable {
    public var tensor: String
    public var model: String
    public var codec: String
    public var relativeRMSError: Double
  }

  public var output: String
  public var outputBytes: Int
  /// nil when they were chosen tensor by tensor.
  public var bits: Int?
  public var models: [Model]
  /// Bits stored for each weight of each model.
  public var bitsPerWeight: Double
  public var tensorClasses: [TensorClass]
  /// The five tensors with the largest error, worst first.
  public var worstTensors: [TensorError]
  public var changes: [Change]
  public var warnings: [String]
  /// What was chosen and why, where a plan was asked for.
  public var plan: PlanReport?
  public var seconds: Double
  /// Largest resident memory of the process, file pages included; filled in by the program that knows it.
  public var peakMemoryBytes: Int?
}

extension ConversionReport {
  /// The report as one JSON object, keys in alphabetical order.
  /// - Throws: `EncodingError`, which these fields do not cause.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  static let worstCount = 5

  static func models(_ manifest: BundleManifest) -> [Model] {
    manifest.models.enumerated().map { number, name in
      let footprint = manifest.footprint(model: number)
      return Model(
        name: name, ownTensors: footprint.ownTensors, changedTensors: footprint.changedTensors,
        sharedTensors: footprint.sharedTensors, ownBytes: footprint.ownBytes, sharedBytes: footprint.sharedBytes,
        weights: footprint.weights, ownBitsPerWeight: footprint.ownBitsPerWeight,
        bitsPerWeight: footprint.bitsPerWeight)
    }
  }

  /// - Parameter statistics: one element for each of the manifest's tensors.
  static func tensorClasses(_ manifest: BundleManifest, _ statistics: [PackingStatistics]) -> [TensorClass] {
    TensorSpec.Role.allCases.filter(\.isMatrix).flatMap { role in
      PackedCodec.allCases.compactMap { codec in
        let members = zip(manifest.tensors, statistics).filter {
          $0.0.spec.role == role && $0.0.part == .whole && $0.0.codec == .packed(codec)
        }
        guard !members.isEmpty else { return nil }
        var sum = PackingStatistics()
        for (_, statistics) in members { sum += statistics }
        return TensorClass(
          role: role.rawValue, codec: codec.rawValue, tensors: members.count, weights: sum.weights,
          relativeRMSError: sum.relativeRMS)
      }
    }
  }

  /// - Parameter statistics: one element for each of the manifest's tensors.
  static func worstTensors(_ manifest: BundleManifest, _ statistics: [PackingStatistics]) -> [TensorError] {
    let matrices = zip(manifest.tensors, statistics).filter { $0.0.spec.role.isMatrix && $0.0.part == .whole }
    let worst = matrices.enumerated().sorted {
      ($0.element.1.relativeRMS, $1.offset) > ($1.element.1.relativeRMS, $0.offset)
    }
    return worst.prefix(worstCount).map { _, element in
      TensorError(
        tensor: element.0.spec.name, model: manifest.models[element.0.model], codec: element.0.codec.name,
        relativeRMSError: element.1.relativeRMS)
    }
  }
}

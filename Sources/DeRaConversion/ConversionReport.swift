import DeRaBundle
import DeRaModelSpec
import DeRaQuantization
import DeRaTensorCore
import FoundationEssentials

/// The result of a conversion, for people and (encoded) for programs.
package struct ConversionReport: Sendable, Equatable, Codable {
  package struct Model: Sendable, Equatable, Codable {
    package var name: String
    package var ownTensors: Int
    /// Tensors taken from the reference, with something added.
    package var changedTensors: Int
    package var sharedTensors: Int
    package var ownBytes: Int
    package var sharedBytes: Int
    package var weights: Int
    /// Bits that the model adds to the bundle for each of its weights.
    package var ownBitsPerWeight: Double
    /// Bits that running the model alone reads for each of its weights.
    package var bitsPerWeight: Double
  }

  /// The matrices of one role in one codec, those of the reference and those that aligned models have instead.
  package struct TensorClass: Sendable, Equatable, Codable {
    package var role: String
    package var codec: String
    package var tensors: Int
    package var weights: Int
    package var relativeRMSError: Double
  }

  /// The changes of one aligned model to the matrices of one role, stored in one way.
  package struct Change: Sendable, Equatable, Codable {
    package var model: String
    package var role: String
    /// `own`, `delta` or `rank R`.
    package var kind: String
    package var codec: String
    package var tensors: Int
    /// Bits for each weight of the whole matrices.
    package var bitsPerWeight: Double
    /// |D| / |W| of the difference D from the reference's weights W; of own matrices, from a sample.
    package var relativeDifference: Double
    /// |stored − D| / |D|; nil for own matrices.
    package var relativeError: Double?
    /// ⟨stored, D⟩ / ⟨D, D⟩: below 1 it acts like a smaller λ; nil for own matrices.
    package var gain: Double?
  }

  package struct TensorError: Sendable, Equatable, Codable {
    package var tensor: String
    package var model: String
    package var codec: String
    package var relativeRMSError: Double
  }

  package var output: String
  package var outputBytes: Int
  /// nil when they were chosen tensor by tensor.
  package var bits: Int?
  package var models: [Model]
  /// Whether whole matrices were rounded with error feedback; nil where they were not.
  package var isCalibrated: Bool?
  /// Bits for each weight that is stored, however many models share it.
  package var bitsPerWeight: Double
  package var tensorClasses: [TensorClass]
  /// The five tensors with the largest error, worst first.
  package var worstTensors: [TensorError]
  package var changes: [Change]
  package var warnings: [String]
  package var remarks: [ConversionRemark]
  /// The choices and their reasons, where a plan was asked for.
  package var plan: PlanReport?
  package var seconds: Double
  /// Largest resident memory of the process, file pages included; filled in by the program that knows it.
  package var peakMemoryBytes: Int?
}

extension ConversionReport {
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

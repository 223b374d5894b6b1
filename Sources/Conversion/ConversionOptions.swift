import Bundle
import ModelSpec
import TensorCore

/// How a bundle is made.
public struct ConversionOptions: Sendable, Equatable {
  /// Bits of a weight of the matrices, scales not counted.
  public enum Bits: Int, Sendable, CaseIterable {
    case sixteen = 16
    case eight = 8
    case six = 6
    case four = 4
  }

  public var bits: Bits
  /// How what aligned models change of the matrices is stored; adapters that are not merged keep their own factors.
  public var delta: DeltaStorage
  /// How the runtime is to give matrices their input.
  public var activations: ActivationCoding
  /// Matrices that are stored otherwise than `bits` and `delta` say.
  public var choices: TensorChoices
  /// What `choices` were made for; recorded in the bundle's provenance.
  public var goal: AllocationGoal?
  /// Adapters are merged into the reference's weights and then treated as any other model.
  public var mergesAdapters: Bool
  /// Refuse weights that are NaN or infinite instead of replacing them with a warning.
  public var isStrict: Bool
  /// Tasks that read and pack at the same time; the bundle does not depend on it.
  public var width: Int

  public init(
    bits: Bits = .eight, delta: DeltaStorage = .own, activations: ActivationCoding = .int8,
    choices: TensorChoices = TensorChoices(), mergesAdapters: Bool = false, isStrict: Bool = false, width: Int = 2
  ) {
    self.bits = bits
    self.delta = delta
    self.activations = activations
    self.choices = choices
    self.mergesAdapters = mergesAdapters
    self.isStrict = isStrict
    self.width = max(1, width)
  }

  /// How a tensor of the reference is stored: a matrix as chosen for it or for all, vectors as they are.
  public func codec(for spec: TensorSpec) -> BundleCodec {
    spec.role.isMatrix ? .packed(choices.base[spec.name] ?? bits.codec) : .f32
  }
}

extension ConversionOptions.Bits {
  /// The codec of a matrix of so many bits.
  public var codec: PackedCodec {
    switch self {
    case .sixteen: .f16
    case .eight: .int8
    case .six: .int6
    case .four: .int4
    }
  }
}

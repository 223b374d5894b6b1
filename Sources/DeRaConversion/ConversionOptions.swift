import DeRaBundle
import DeRaModelSpec
import DeRaTensorCore

/// How a bundle is made.
package struct ConversionOptions: Sendable, Equatable {
  /// Bits of a weight of the matrices, scales not counted.
  package enum Bits: Int, Sendable, CaseIterable {
    case sixteen = 16
    case eight = 8
    case six = 6
    case four = 4
  }

  package var bits: Bits
  /// How what aligned models change of the matrices is stored; adapters that are not merged keep their own factors.
  package var delta: DeltaStorage
  /// How the runtime is to give matrices their input.
  package var activations: ActivationCoding
  /// Matrices that are stored otherwise than `bits` and `delta` say.
  package var choices: TensorChoices
  /// The goal that `choices` were made for; recorded in the bundle's provenance.
  package var goal: AllocationGoal?
  /// Adapters are merged into the reference's weights and then treated as any other model.
  package var mergesAdapters: Bool
  /// Refuse weights that are NaN or infinite instead of replacing them with a warning.
  package var isStrict: Bool
  /// Leave out tokens that only some of the models have, instead of refusing the models.
  package var leavesOutOtherTokens = false
  /// Keep two tables that differ by no more than rounding apart; see `EqualTables`.
  package var keepsEqualTables = false
  /// Tasks that read and pack at the same time; the bundle does not depend on it.
  package var width: Int

  package init(
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
  package func codec(for spec: TensorSpec) -> BundleCodec {
    spec.role.isMatrix ? .packed(choices.base[spec.name] ?? bits.codec) : .f32
  }
}

extension ConversionOptions.Bits {
  /// The codec of a matrix of so many bits.
  package var codec: PackedCodec {
    switch self {
    case .sixteen: .f16
    case .eight: .int8
    case .six: .int6
    case .four: .int4
    }
  }
}

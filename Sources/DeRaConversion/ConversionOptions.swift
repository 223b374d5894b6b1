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
  /// The stored form of aligned models' matrices; adapters that are not merged keep their own factors.
  package var delta: DeltaStorage
  /// The coding of matrices' inputs that the runtime uses by default.
  package var activations: ActivationCoding
  /// Formats of single matrices, which override `bits` and `delta`.
  package var choices: TensorChoices
  /// The goal that `choices` were made for; recorded in the bundle's provenance.
  package var goal: AllocationGoal?
  /// Adapters are merged into the reference's weights and then treated as any other model.
  package var mergesAdapters: Bool
  /// Refuse weights that are NaN or infinite instead of replacing them with a warning.
  package var isStrict: Bool
  /// Jinja, instead of the checkpoints' own chat template.
  package var chatTemplate: String?
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

  /// The codec of a reference's tensor: a matrix's own choice or the one for all, f32 for vectors.
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

internal import CDeRaKernels
import DeRaPlatform

/// The sets of micro-kernels, slowest first. All give bit-identical results; they differ in speed only.
package enum InstructionSet: String, CaseIterable, Sendable {
  /// Plain C, on every machine.
  case scalar
  /// ARMv8.0 Advanced SIMD.
  case neon
  /// NEON with the int8 dot product of ARMv8.2.
  case dotprod
  /// dotprod and the int8 matrix product of ARMv8.6.
  case i8mm
  /// x86-64 with AVX2, FMA and F16C.
  case avx2
  /// avx2 with the int8 dot product of AVX-VNNI.
  case avxvnni
  /// x86-64 with AVX-512 F, BW, VL and VNNI.
  case avx512vnni

  /// The environment variable that overrides the choice.
  package static let environmentVariable = "DERA_ISA"

  /// Whether this machine and build have it.
  package var isSupported: Bool { kernels != nil }

  /// The sets that this machine has, slowest first; never empty.
  package static var supported: [InstructionSet] { allCases.filter(\.isSupported) }

  /// The fastest this machine has.
  package static let best = allCases.last(where: \.isSupported) ?? .scalar

  /// - Throws: `InstructionSetError` when `name` is none of ours or this machine lacks it.
  package init(named name: String) throws(InstructionSetError) {
    guard let value = InstructionSet(rawValue: name), value.isSupported else {
      throw InstructionSetError(name: name)
    }
    self = value
  }

  /// The set that `DERA_ISA` names, or `best` where it is not set. The variable is read once.
  /// - Throws: `InstructionSetError` when it names a set that this machine lacks.
  package static func selected() throws(InstructionSetError) -> InstructionSet { try selection.get() }

  private static let selection: Result<InstructionSet, InstructionSetError> = {
    guard let name = getenv(environmentVariable), name.pointee != 0 else { return .success(best) }
    return Result { () throws(InstructionSetError) in try InstructionSet(named: String(cString: name)) }
  }()

  var kernels: UnsafePointer<ck_kernels>? { ck_kernels_named(rawValue) }
}

/// An instruction set was asked for that is unknown or that this machine lacks.
package struct InstructionSetError: Error, Equatable, CustomStringConvertible {
  package let name: String

  package var description: String {
    let choices = InstructionSet.supported.map(\.rawValue).joined(separator: ", ")
    return "\(InstructionSet.environmentVariable): this machine has no instruction set '\(name)';"
      + " use one of: \(choices), or unset the variable for the fastest"
  }
}

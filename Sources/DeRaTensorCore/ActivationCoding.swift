/// How matrices of integer codes take their input.
package enum ActivationCoding: String, Sendable, CaseIterable {
  /// A byte an element and an f32 scale for 32; aligned models as differences from the reference where it runs beside them.
  case int8
  /// The remainder that int8 leaves of the input goes through the matrix as well: nearly 16 bits, for twice the
  /// arithmetic and no more memory to read.
  case int16

  /// The names there are.
  package static var rule: String { allCases.map(\.rawValue).joined(separator: " or ") }

  /// Codes of an element.
  package var planes: Int { self == .int16 ? 2 : 1 }
}

/// The reference's part of a blend, 1 − Σ λ.
package enum ReferenceShare {
  /// Parts of 1 that λ is counted in.
  private static let billion = 1e9

  /// 1 − Σ λ, every λ taken as the decimal number that it prints as, rounded to a billionth.
  ///
  /// 0.15, 0.65 and 0.2 leave nothing of the reference, in any order; as binary fractions they would leave 6·10⁻⁸ of it,
  /// and it would be run for that. Sums are exact up to |Σ λ| = 9·10⁶. Not for inner loops: it makes texts of numbers.
  package static func of(_ lambdas: some Sequence<Float>) -> Double {
    let sum = lambdas.reduce(0.0) { $0 + ((Double("\($1)") ?? Double($1)) * billion).rounded() }
    return (billion - sum) / billion
  }
}

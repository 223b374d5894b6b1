import DeRaTensorCore

/// The same numbers on every machine, so that a failing case repeats.
package struct SeededGenerator: RandomNumberGenerator {
  private var generator: SplitMix64

  package init(seed: UInt64) { generator = SplitMix64(state: seed) }

  package mutating func next() -> UInt64 { generator.next() }

  /// Close to a normal distribution of variance 1: twelve uniform numbers.
  package mutating func normal() -> Float {
    (0..<12).reduce(-6) { sum, _ in sum + Float.random(in: 0..<1, using: &self) }
  }

  package mutating func floats(_ count: Int, in range: ClosedRange<Float> = -1...1) -> [Float] {
    (0..<count).map { _ in Float.random(in: range, using: &self) }
  }
}

/// Caps on what a GGUF file may declare, well above every real model; a file beyond them is refused.
package enum GGUFLimits {
  /// The format's own limit.
  package static let keyBytes = 65_535
  /// ggml keeps 64; some converters write more.
  package static let tensorNameBytes = 1_024
  package static let metadataKeys = 65_536
  package static let tensors = 262_144
  package static let dimensions = 4
  /// The format's default when `general.alignment` is absent.
  package static let defaultAlignment = 32
  package static let smallestAlignment = 8
}

/// Caps on what a GGUF file may declare, well above every real model; a file beyond them is refused.
public enum GGUFLimits {
  /// The format's own limit.
  public static let keyBytes = 65_535
  /// ggml keeps 64; some converters write more.
  public static let tensorNameBytes = 1_024
  public static let metadataKeys = 65_536
  public static let tensors = 262_144
  public static let dimensions = 4
  /// The format's default when `general.alignment` is absent.
  public static let defaultAlignment = 32
  public static let smallestAlignment = 8
}

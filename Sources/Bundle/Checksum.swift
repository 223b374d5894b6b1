/// How bundles write a SHA-256.
package enum Checksum {
  /// A digest's bytes as lower-case hexadecimal digits, two each.
  package static func text(_ digest: some Sequence<UInt8>) -> String {
    digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

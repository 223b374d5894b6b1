internal import CDeRaDigest

/// SHA-256 (FIPS 180-4), by the processor's own instructions where it has them.
package struct SHA256 {
  /// Bytes of a digest.
  package static let byteCount = 32
  /// Names of the implementations; a machine has the first and at most one of the others.
  package static let implementations = ["portable", "sha-ni", "armv8"]
  private static let blockBytes = 64

  private let compress: @convention(c) (UnsafeMutablePointer<UInt32>?, UnsafePointer<UInt8>?, Int) -> Void
  /// Square roots of the first eight primes: the first 32 bits of their fractional parts.
  private var state: [UInt32] = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]
  /// Bytes that do not fill a block yet.
  private var rest: [UInt8] = []
  private var length: UInt64 = 0

  package init() {
    compress = cd_sha256_fastest()
    rest.reserveCapacity(Self.blockBytes)
  }

  /// - Parameter implementation: one of `implementations`; nil when this machine lacks it.
  package init?(implementation: String) {
    guard let compress = cd_sha256_named(implementation) else { return nil }
    self.compress = compress
  }

  /// Takes more bytes of the message.
  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    length += UInt64(bytes.count)
    var bytes = bytes[...]
    if !rest.isEmpty {
      let missing = bytes.prefix(Self.blockBytes - rest.count)
      rest += missing
      bytes = bytes.dropFirst(missing.count)
      guard rest.count == Self.blockBytes else { return }
      rest.withUnsafeBytes { take($0, blocks: 1) }
      rest.removeAll(keepingCapacity: true)
    }
    let blocks = bytes.count / Self.blockBytes
    if blocks > 0 { take(UnsafeRawBufferPointer(rebasing: bytes), blocks: blocks) }
    rest += bytes.dropFirst(blocks * Self.blockBytes)
  }

  /// The digest, 32 bytes, of everything taken so far.
  package consuming func finalize() -> [UInt8] {
    let bits = length * 8
    let zeros = (2 * Self.blockBytes - 9 - rest.count) % Self.blockBytes
    let end =
      [0x80] + [UInt8](repeating: 0, count: zeros) + (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - 8 * $0)) }
    end.withUnsafeBytes { update($0) }
    return state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - 8 * $0)) } }
  }

  private mutating func take(_ bytes: UnsafeRawBufferPointer, blocks: Int) {
    let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    state.withUnsafeMutableBufferPointer { compress($0.baseAddress, start, blocks) }
  }
}

extension SHA256 {
  /// The digest as 64 lower-case hexadecimal digits, which is how files name one.
  package consuming func hexadecimal() -> String { Self.hexadecimal(finalize()) }

  package static func hexadecimal(of bytes: UnsafeRawBufferPointer) -> String {
    var hash = SHA256()
    hash.update(bytes)
    return hash.hexadecimal()
  }

  package static func hexadecimal(of bytes: [UInt8]) -> String { bytes.withUnsafeBytes { hexadecimal(of: $0) } }

  /// Two lower-case digits a byte.
  package static func hexadecimal(_ digest: some Sequence<UInt8>) -> String {
    digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

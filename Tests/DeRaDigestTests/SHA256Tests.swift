import DeRaDigest
import DeRaTestSupport
import FoundationEssentials
import Testing

/// Digests by hashlib (Fixtures/digest/generate.py), and the examples of FIPS 180-4's publisher.
@Suite("SHA-256")
struct SHA256Tests {
  private static let vectors: [(count: Int, digest: String)] = {
    let text = (try? Fixtures.text("digest/vectors.txt")) ?? ""
    return text.split(separator: "\n").compactMap { row in
      let columns = row.split(separator: " ")
      return Int(columns[0]).map { ($0, String(columns[1])) }
    }
  }()

  private static func message(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(($0 * 131 + 7) % 251) } }

  /// A hash by one implementation that is fed pieces of a size; nil where the machine lacks it.
  private static func digest(_ message: [UInt8], _ implementation: String, pieces: Int) -> String? {
    guard var hash = SHA256(implementation: implementation) else { return nil }
    message.withUnsafeBytes { bytes in
      for start in stride(from: 0, to: bytes.count, by: pieces) {
        hash.update(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + pieces, bytes.count)]))
      }
    }
    return hash.hexadecimal()
  }

  @Test("every implementation of this machine equals hashlib", arguments: SHA256.implementations)
  func implementations(name: String) {
    #expect(Self.vectors.count == 197)
    guard SHA256(implementation: name) != nil else { return }
    for vector in Self.vectors {
      let message = Self.message(vector.count)
      for pieces in [1, 63, 64, 65, 1 << 20] {
        #expect(Self.digest(message, name, pieces: pieces) == vector.digest, "\(vector.count) bytes by \(pieces)")
      }
    }
  }

  @Test("NIST's examples")
  func examples() {
    #expect(
      SHA256.hexadecimal(of: Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    let two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
    #expect(
      SHA256.hexadecimal(of: Array(two.utf8)) == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    let million = [UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000)
    #expect(SHA256.hexadecimal(of: million) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
  }

  @Test("every machine has the portable implementation, and no unknown one")
  func names() {
    #expect(SHA256(implementation: "portable") != nil)
    #expect(SHA256(implementation: "md5") == nil)
  }
}

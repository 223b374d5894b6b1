import NIOCore
import NIOHTTP1

/// A whole request.
package struct Request: Sendable {
  package let method: HTTPMethod
  /// The path without query, percent signs decoded.
  package let path: String
  package let headers: HTTPHeaders
  package let body: ByteBuffer
  /// The client's `X-Request-Id` if it is usable, else a new one.
  package let id: String

  init(_ head: HTTPRequestHead, body: ByteBuffer) {
    method = head.method
    path = Self.path(of: head.uri)
    headers = head.headers
    self.body = body
    id = Self.id(head.headers.first(name: "x-request-id"))
  }

  /// The path of a request target in any of its forms: `/path?query` or `http://host/path`.
  static func path(of target: String) -> String {
    var rest = target[...]
    if let scheme = rest.firstRange(of: "://"), !rest.hasPrefix("/") {
      rest = rest[scheme.upperBound...]
      rest = rest.firstIndex(of: "/").map { rest[$0...] } ?? "/"
    }
    return percentDecoded(rest.prefix { $0 != "?" && $0 != "#" })
  }

  private static func percentDecoded(_ text: Substring) -> String {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%"), rest.count >= 2, let value = UInt8(String(rest.prefix(2)) ?? "", radix: 16) {
        bytes.append(value)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func id(_ given: String?) -> String {
    func isUsable(_ byte: UInt8) -> Bool {
      (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || [45, 46, 95].contains(byte)
    }
    if let given, (1...128).contains(given.utf8.count), given.utf8.allSatisfy(isUsable) { return given }
    return "req-" + randomName()
  }
}

/// 24 hexadecimal digits that were never used before.
func randomName() -> String {
  let digits = Array("0123456789abcdef")
  return String((0..<24).map { _ in digits[Int.random(in: 0..<16)] })
}

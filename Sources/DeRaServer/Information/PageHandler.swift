import DeRaDigest

/// `GET /`: the page, one file that asks nobody but this server.
struct PageHandler: Sendable {
  private let bytes: [UInt8]
  private let policy: String

  init(_ bytes: [UInt8] = PackageResources.index_html) {
    self.bytes = bytes
    // Only the page's own script and style count, whatever a model writes. The script evaluates no text; drivers of browsers
    // evaluate their conditions in the page.
    policy = """
      default-src 'none'; script-src \(Self.sources("script", bytes)) 'unsafe-eval'; \
      style-src \(Self.sources("style", bytes)); img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
      frame-ancestors 'none'
      """
  }

  func callAsFunction(_ request: Request) -> Reply {
    guard request.headers.first(name: "accept")?.contains("text/html") == true else {
      // Clients of Ollama look for this.
      return Reply(text: "Ollama is running")
    }
    var reply = Reply(contentType: "text/html; charset=utf-8", body: bytes)
    reply.headers = [
      ("content-security-policy", policy), ("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer"),
      ("cache-control", "no-cache"),
    ]
    return reply
  }

  /// The elements of a name, each by the hash of its text.
  private static func sources(_ tag: String, _ page: [UInt8]) -> String {
    let parts = String(decoding: page, as: UTF8.self).split(separator: "<\(tag)>").dropFirst()
    let texts = parts.compactMap { part in part.firstRange(of: "</\(tag)>").map { part[..<$0.lowerBound] } }
    return texts.map { "'sha256-\(base64(digest(Array($0.utf8))))'" }.joined(separator: " ")
  }
}

private func digest(_ bytes: [UInt8]) -> [UInt8] {
  var hash = SHA256()
  bytes.withUnsafeBytes { hash.update($0) }
  return hash.finalize()
}

private func base64(_ bytes: [UInt8]) -> String {
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  var text = ""
  for start in stride(from: 0, to: bytes.count, by: 3) {
    let group = (0..<3).reduce(0) { $0 << 8 | (start + $1 < bytes.count ? Int(bytes[start + $1]) : 0) }
    for digit in 0..<4 { text.append(start + digit > bytes.count ? "=" : alphabet[group >> (18 - 6 * digit) & 63]) }
  }
  return text
}

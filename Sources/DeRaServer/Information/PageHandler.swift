import DeRaDigest

/// `GET /`: the page, one file that asks nobody but this server.
struct PageHandler: Sendable {
  private let bytes: [UInt8]
  private let policy: String

  init(_ bytes: [UInt8] = PackageResources.index_html) {
    self.bytes = bytes
    // Only the page's own script runs, whatever a model writes.
    let scripts = Self.scripts(bytes).map { "'sha256-\(base64(digest($0)))'" }.joined(separator: " ")
    policy = """
      default-src 'none'; script-src \(scripts.isEmpty ? "'none'" : scripts); style-src 'unsafe-inline'; \
      img-src data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'
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

  /// The text between `<script>` and `</script>`.
  private static func scripts(_ page: [UInt8]) -> [[UInt8]] {
    let text = String(decoding: page, as: UTF8.self)
    return text.split(separator: "<script>").dropFirst().compactMap { part in
      part.ranges(of: "</script>").first.map { Array(part[..<$0.lowerBound].utf8) }
    }
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

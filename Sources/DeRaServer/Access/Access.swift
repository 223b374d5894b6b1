import NIOHTTP1

/// Who may ask.
package struct Access: Sendable {
  /// Keys of which one must come with a request; empty for none.
  package var keys: [String] = []
  /// Origins of pages that may ask, besides this machine's; `*` for all.
  package var origins: [String] = []
  /// Whether only names that nobody can point here from outside may be in `Host`: for servers on the loopback address,
  /// where a page could otherwise reach them by a name of its own that it resolves to 127.0.0.1 (DNS rebinding).
  package var checksHost = true

  package init() {}

  /// - Throws: the refusal of a request's head.
  func check(_ head: HTTPRequestHead, needsKey: Bool) throws(APIError) {
    let hosts = head.headers["host"]
    guard hosts.count == 1 || (hosts.isEmpty && head.version != .http1_1) else {
      throw APIError(.badRequest, "invalid_request_error", "a request needs exactly one Host header")
    }
    if checksHost, let host = hosts.first, !Self.isLocal(hostName(host)) {
      throw APIError(
        .forbidden, "permission_error",
        "this server answers to localhost, IP addresses and names that end in .local only, not to '\(host)'")
    }
    guard !keys.isEmpty else { return try checkOrigin(head) }
    guard needsKey else { return }
    guard let given = Self.key(in: head.headers) else {
      throw APIError(.unauthorized, "authentication_error", "this server needs a key: Authorization: Bearer KEY")
    }
    guard isKnown(given) else {
      throw APIError(.unauthorized, "authentication_error", "the key is not one of this server's")
    }
  }

  /// Requests of another site's page are refused where there are no keys: the browser of anyone who visits it would do its work.
  private func checkOrigin(_ head: HTTPRequestHead) throws(APIError) {
    guard head.method == .POST, let origin = head.headers.first(name: "origin"), !allows(origin, head) else { return }
    throw APIError(.forbidden, "permission_error", "pages of '\(origin)' may not use this server")
  }

  // MARK: Origins

  /// Headers that let the page of an allowed origin read the response.
  func headers(for head: HTTPRequestHead) -> [(name: String, value: String)] {
    guard let origin = head.headers.first(name: "origin") else { return [] }
    guard allows(origin, head) else { return [("vary", "Origin")] }
    var headers = [
      ("vary", "Origin"), ("access-control-allow-origin", origin), ("access-control-expose-headers", "x-request-id"),
    ]
    if head.method == .OPTIONS {
      headers.append(("access-control-allow-methods", "GET, POST, HEAD, OPTIONS"))
      headers.append(
        (
          "access-control-allow-headers",
          head.headers.first(name: "access-control-request-headers") ?? "authorization, content-type, x-api-key"
        ))
      headers.append(("access-control-max-age", "600"))
    }
    return headers
  }

  private func allows(_ origin: String, _ head: HTTPRequestHead) -> Bool {
    if origins.contains("*") || origins.contains(origin) { return true }
    guard let scheme = origin.firstRange(of: "://") else { return false }
    guard ["http", "https"].contains(origin[..<scheme.lowerBound]) else { return false }
    let host = String(origin[scheme.upperBound...])
    if host == head.headers.first(name: "host") { return true }
    return ["localhost", "127.0.0.1", "[::1]"].contains(hostName(host))
  }

  // MARK: Keys

  private static func key(in headers: HTTPHeaders) -> String? {
    if let value = headers.first(name: "authorization") {
      let parts = value.split(separator: " ", maxSplits: 1)
      if parts.count == 2, parts[0].lowercased() == "bearer" { return String(parts[1]) }
    }
    return headers.first(name: "x-api-key")
  }

  /// Takes the same time whichever keys there are and however much of one was guessed.
  package func isKnown(_ given: String) -> Bool {
    let given = Array(given.utf8)
    var isKnown = false
    for key in keys {
      let key = Array(key.utf8)
      var difference = key.count ^ given.count
      for index in given.indices { difference |= Int(given[index] ^ (key.isEmpty ? 1 : key[index % key.count])) }
      isKnown = (difference == 0) || isKnown
    }
    return isKnown
  }

  // MARK: Hosts

  /// Whether a name can only mean this machine or one of its network.
  static func isLocal(_ host: String) -> Bool {
    let host = host.lowercased()
    if host == "localhost" || host.hasSuffix(".localhost") || host.hasSuffix(".local") { return true }
    if host.hasPrefix("[") {
      return host.hasSuffix("]") && host.dropFirst().dropLast().allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
    }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
  }
}

/// `host:port` without the port.
private func hostName(_ text: String) -> String {
  guard let colon = text.lastIndex(of: ":"), text[text.index(after: colon)...].allSatisfy(\.isNumber) else {
    return text
  }
  return text.hasPrefix("[") && !text[..<colon].hasSuffix("]") ? text : String(text[..<colon])
}

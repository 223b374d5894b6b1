import DeRaPlatform

/// The address of a server: `http://host:port`, perhaps with a path before its routes.
package struct ServerAddress: Equatable, Sendable, CustomStringConvertible {
  package let host: String
  package let port: String
  /// Empty, or with a slash at its beginning and none at its end.
  package let path: String

  /// Whether a text is meant as an address and not as a file.
  package static func isAddress(_ text: String) -> Bool { text.contains("://") }

  /// - Throws: `ServerError.badAddress`, `.encrypted`.
  package init(_ text: String) throws(ServerError) {
    guard let colon = text.firstRange(of: "://") else { throw .badAddress(text, "it does not begin with http://") }
    let scheme = text[..<colon.lowerBound].lowercased()
    if scheme == "https" { throw .encrypted(text) }
    guard scheme == "http" else { throw .badAddress(text, "it does not begin with http://") }
    let rest = text[colon.upperBound...]
    if let wrong = rest.first(where: { "?#@".contains($0) || $0.isWhitespace || $0.asciiValue ?? 32 < 32 }) {
      throw .badAddress(text, "'\(wrong)' has no place in it")
    }
    let place = rest.prefix { $0 != "/" }
    var path = String(rest.dropFirst(place.count))
    for end in ["/", "/v1", "/"] where path.hasSuffix(end) { path.removeLast(end.count) }
    self.path = path
    let isBracketed = place.first == "["
    let end = isBracketed ? place.firstIndex(of: "]") : place.firstIndex(of: ":") ?? place.endIndex
    guard let end else { throw .badAddress(text, "the bracket is not closed") }
    host = String(isBracketed ? place[..<end].dropFirst() : place[..<end])
    let tail = isBracketed ? place[end...].dropFirst() : place[end...]
    guard !host.isEmpty else { throw .badAddress(text, "the host is missing") }
    guard tail.isEmpty || tail.first == ":" else { throw .badAddress(text, "a port follows a colon") }
    port = tail.isEmpty ? "80" : String(tail.dropFirst())
    guard let number = UInt16(port), number > 0, port.allSatisfy(\.isNumber) else {
      throw .badAddress(text, "the port must be from 1 to 65535")
    }
  }

  /// The text of the `Host` header.
  package var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":" + port }
  package var description: String { "http://\(authority)\(path)" }
}

/// Why a server cannot answer.
package enum ServerError: Error, Equatable, CustomStringConvertible {
  case badAddress(String, String)
  /// An `https` address.
  case encrypted(String)
  /// No connection.
  case unreachable(ServerAddress, reason: String)
  /// The server closed the connection, or wrote nothing for too long.
  case broken(ServerAddress, reason: String)
  /// The answer is not HTTP or not JSON as these routes have it.
  case notUnderstood(ServerAddress, reason: String)
  /// The server says no.
  case refused(ServerAddress, status: Int, message: String)
  /// A wish that has no field in the interface.
  case cannot(String)

  package var description: String {
    switch self {
    case .badAddress(let text, let what): "'\(text)' is not the address of a server: \(what); it is like http://pi:8080"
    case .encrypted(let text):
      "\(text): this client speaks http only; put a tunnel in front, such as ssh -L 8080:localhost:8080 HOST, and use "
        + "http://localhost:8080"
    case .unreachable(let address, let reason):
      "\(address): \(reason); is the server running (dera serve), and does it listen at that address (--host)?"
    case .broken(let address, let reason): "\(address): \(reason); the server's log may say why"
    case .notUnderstood(let address, let reason):
      "\(address): \(reason); it must be a server with OpenAI's routes, such as dera serve"
    case .refused(let address, let status, let message):
      "\(address) says: \(message) (\(status))" + (Self.remedy(status).map { "; \($0)" } ?? "")
    case .cannot(let what): what
    }
  }

  private static func remedy(_ status: Int) -> String? {
    switch status {
    case 300..<400: "give the address that it redirects to"
    case 401: "give its key in DERA_API_KEY or by --api-key-file"
    case 404: "is the path of the address right?"
    case 503: "try again later"
    default: nil
    }
  }
}

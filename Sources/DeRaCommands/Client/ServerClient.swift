import DeRaConsole
import DeRaJSON
import DeRaPlatform

/// Requests to a server, one a connection.
package struct ServerClient: Sendable {
  package let address: ServerAddress
  /// Sent as `Authorization: Bearer`; nil for none.
  let key: String?

  package init(_ address: ServerAddress, key: String? = nil) {
    self.address = address
    self.key = key
  }

  /// - Throws: `ServerError`, `Interrupted`.
  func get(_ path: String) throws -> JSON { try whole("GET", path, nil) }

  /// - Throws: `ServerError`, `Interrupted`.
  func post(_ path: String, _ body: JSON) throws -> JSON { try whole("POST", path, body) }

  /// Posts a request whose answer is a stream of events.
  /// - Parameter onEvent: gets each; false closes the connection, which ends the server's work.
  /// - Throws: `ServerError`, `Interrupted`, and what `onEvent` throws.
  func stream(_ path: String, _ body: JSON, onEvent: (JSON) throws -> Bool) throws {
    var events = EventStream()
    var plain: [UInt8] = []
    try exchange("POST", path, body) { response, bytes in
      guard response.status == 200, response.headers["content-type"]?.hasPrefix("text/event-stream") == true else {
        plain += bytes
        return true
      }
      for data in try understood({ () throws(HTTPResponse.Malformed) in try events.append(bytes) }) {
        if data.elementsEqual("[DONE]".utf8) { return false }
        let event = try json(data)
        if event["error"] != nil { throw refusal(200, event) }
        guard try onEvent(event) else { return false }
      }
      return true
    } atEnd: { response in
      guard response.status == 200, response.headers["content-type"]?.hasPrefix("text/event-stream") == true else {
        _ = try checked(response, plain)
        throw ServerError.notUnderstood(address, reason: "\(path) does not stream")
      }
      throw ServerError.broken(address, reason: "the answer broke off")
    }
  }

  private func whole(_ method: String, _ path: String, _ body: JSON?) throws -> JSON {
    var bytes: [UInt8] = []
    var result: JSON?
    try exchange(method, path, body) { _, more in
      bytes += more
      guard bytes.count <= JSON.maximumBytes else {
        throw ServerError.notUnderstood(address, reason: "\(path) answers without an end")
      }
      return true
    } atEnd: { response in
      result = try checked(response, bytes)
    }
    return result ?? .null
  }

  /// Sends a request and reads its response.
  /// - Parameters:
  ///   - onBody: gets pieces of the body; false closes the connection, and `atEnd` is not called.
  ///   - atEnd: called once the body is complete.
  private func exchange(
    _ method: String, _ path: String, _ body: JSON?, onBody: (HTTPResponse, [UInt8]) throws -> Bool,
    atEnd: (HTTPResponse) throws -> Void
  ) throws {
    let connection = try HTTPConnection(address)
    try connection.send(request(method, path, body))
    var response = HTTPResponse()
    while !response.isComplete {
      let bytes = try connection.receive()
      if bytes.isEmpty {
        try understood { () throws(HTTPResponse.Malformed) in try response.end() }
        break
      }
      let piece = try understood { () throws(HTTPResponse.Malformed) in try response.append(bytes) }
      if !piece.isEmpty, try !onBody(response, piece) { return }
    }
    try atEnd(response)
  }

  private func request(_ method: String, _ path: String, _ body: JSON?) -> [UInt8] {
    var head = """
      \(method) \(address.path)\(path) HTTP/1.1\r
      Host: \(address.authority)\r
      Connection: close\r
      Accept: application/json, text/event-stream\r
      User-Agent: dera\r

      """
    if let key { head += "Authorization: Bearer \(key)\r\n" }
    var content: [UInt8] = []
    if let body {
      body.write(to: &content)
      head += "Content-Type: application/json\r\nContent-Length: \(content.count)\r\n"
    }
    return Array((head + "\r\n").utf8) + content
  }

  private func understood<Value>(_ body: () throws(HTTPResponse.Malformed) -> Value) throws -> Value {
    do throws(HTTPResponse.Malformed) { return try body() } catch {
      throw ServerError.notUnderstood(address, reason: error.what)
    }
  }

  private func json(_ bytes: [UInt8]) throws -> JSON {
    do throws(JSONError) { return try JSON.parse(String(decoding: bytes, as: UTF8.self)) } catch {
      throw ServerError.notUnderstood(address, reason: "the answer is not JSON (\(error))")
    }
  }

  private func checked(_ response: HTTPResponse, _ body: [UInt8]) throws -> JSON {
    let status = response.status ?? 0
    guard (200..<300).contains(status) else {
      let value = try? json(body)
      throw value.map { refusal(status, $0) }
        ?? .refused(address, status: status, message: Self.shortened(String(decoding: body, as: UTF8.self)))
    }
    return try json(body)
  }

  private func refusal(_ status: Int, _ body: JSON) -> ServerError {
    let error = body["error"]
    let message = error?["message"]?.string ?? error?.string ?? Self.shortened(body.text)
    return .refused(address, status: error?["code"]?.int ?? status, message: printable(message))
  }

  private static func shortened(_ text: String) -> String {
    let text = printable(String(text.prefix(200)))
    return text.isEmpty ? "nothing more" : text
  }
}

import DeRaJSON
import NIOHTTP1

/// A response that is complete before it is sent.
package struct Reply: Sendable {
  package var status: HTTPResponseStatus
  package var contentType: String
  package var headers: [(name: String, value: String)] = []
  package var body: [UInt8]

  package init(_ status: HTTPResponseStatus = .ok, contentType: String, body: [UInt8]) {
    self.status = status
    self.contentType = contentType
    self.body = body
  }

  package init(_ status: HTTPResponseStatus = .ok, json: JSON) {
    self.init(status, contentType: "application/json", body: [])
    json.write(to: &body)
  }

  package init(text: String) {
    self.init(contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
  }
}

/// The forms of a response that is sent as it is made.
package enum StreamForm: Sendable {
  /// Server-sent events, `data: …`.
  case events
  /// A JSON object a line.
  case lines

  var contentType: String {
    switch self {
    case .events: "text/event-stream"
    case .lines: "application/x-ndjson"
    }
  }

  /// One message.
  func frame(_ json: JSON) -> [UInt8] {
    var bytes: [UInt8] = []
    if case .events = self { bytes += "data: ".utf8 }
    json.write(to: &bytes)
    bytes.append(UInt8(ascii: "\n"))
    if case .events = self { bytes.append(UInt8(ascii: "\n")) }
    return bytes
  }

  /// The bytes that only show that the stream lives; nil where every line is a message.
  var ping: [UInt8]? {
    switch self {
    case .events: Array(": ping\n\n".utf8)
    case .lines: nil
    }
  }
}

import NIOCore
import NIOHTTP1

/// The answers to a server's requests, asked for on the event loop.
package protocol Application: AnyObject, Sendable {
  /// The route of a request, found by its head before the body is read.
  /// - Throws: the refusal: an unknown path, a wrong key, a foreign host.
  func admit(_ head: HTTPRequestHead) throws(APIError) -> Route
  /// Headers that a response gets because of where its request came from.
  func headers(for head: HTTPRequestHead) -> [(name: String, value: String)]
  func log(_ line: RequestLine)
}

/// A request as the log shows it when it is over.
package struct RequestLine: Sendable {
  package var id: String
  package var method: String
  package var path: String
  /// nil when the client left before there was one.
  package var status: Int?
  package var milliseconds: Double
  package var record = RequestRecord()
}

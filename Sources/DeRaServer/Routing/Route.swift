import NIOHTTP1

/// One row of the table of routes.
package struct Route: Sendable {
  package enum Action: Sendable {
    /// Quick and done by the event loop itself: such routes answer whatever the engine does.
    case now(@Sendable (Request) throws(APIError) -> Reply)
    /// A task of its own, which replies or streams through the exchange.
    case later(@Sendable (Exchange) async throws(APIError) -> Void)
  }

  package var method: HTTPMethod
  /// `{id}` at the end stands for any rest that is not empty.
  package var path: String
  package var summary: String
  /// Whether a key is needed where the server has one.
  package var needsKey = true
  /// Fields of the request's body, for routes that take one.
  package var fields: [FieldDescription]?
  package var action: Action

  package init(
    _ method: HTTPMethod, _ path: String, _ summary: String, needsKey: Bool = true, fields: [FieldDescription]? = nil,
    _ action: Action
  ) {
    self.method = method
    self.path = path
    self.summary = summary
    self.needsKey = needsKey
    self.fields = fields
    self.action = action
  }

  func matches(_ path: String) -> Bool {
    guard self.path.hasSuffix("{id}") else { return self.path == path }
    let start = self.path.dropLast(4)
    return path.utf8.count > start.utf8.count && path.hasPrefix(start)
  }
}

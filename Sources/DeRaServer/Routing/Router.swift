import DeRaJSON
import NIOHTTP1
import Synchronization

/// The application: access, then the table of routes. Until there is a table, all routes say that the model is being loaded.
package final class Router: Application {
  private let access: Access
  private let routes = Mutex<[Route]?>(nil)
  private let onLine: @Sendable (RequestLine) -> Void

  /// - Parameter log: gets a line for every request when it is over; called by the event loop.
  package init(access: Access, log: @escaping @Sendable (RequestLine) -> Void) {
    self.access = access
    onLine = log
  }

  /// Answers requests from now on.
  package func open(_ table: [Route]) { routes.withLock { $0 = table } }

  package func log(_ line: RequestLine) { onLine(line) }

  package func headers(for head: HTTPRequestHead) -> [(name: String, value: String)] { access.headers(for: head) }

  package func admit(_ head: HTTPRequestHead) throws(APIError) -> Route {
    if head.method == .OPTIONS {
      // Browsers ask without a key whether they may ask.
      try access.check(head, needsKey: false)
      return Self.options
    }
    let path = Request.path(of: head.uri)
    guard let table = routes.withLock({ $0 }) else {
      try access.check(head, needsKey: false)
      throw .unavailable("the model is being loaded")
    }
    let found = table.filter { $0.matches(path) }
    let method: HTTPMethod = head.method == .HEAD ? .GET : head.method
    let route = found.first { $0.method == method }
    // Strangers do not learn which routes there are.
    try access.check(head, needsKey: route?.needsKey ?? true)
    if let route { return route }
    guard !found.isEmpty else { throw .notFound("there is no route \(path)") }
    var error = APIError(
      .methodNotAllowed, "invalid_request_error", "\(path) does not take \(head.method.rawValue)")
    error.headers = [("allow", found.map(\.method.rawValue).joined(separator: ", ") + ", OPTIONS")]
    throw error
  }

  private static let options = Route(
    .OPTIONS, "*", "Whether a page may ask.", needsKey: false,
    .now { _ in
      var reply = Reply(text: "")
      reply.headers = [("allow", "GET, POST, HEAD, OPTIONS")]
      return reply
    })
}

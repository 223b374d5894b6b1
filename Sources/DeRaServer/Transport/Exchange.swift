import DeRaJSON
import NIOCore
import NIOHTTP1
import Synchronization

/// One request and the way to answer it, for any thread. What is sent after the client has left goes nowhere.
package final class Exchange: Sendable {
  package let request: Request
  package let form: APIForm
  /// Figures for the log.
  package let record = Mutex(RequestRecord())
  /// Runs what writes a stream where it is sent: a token wakes one thread on its way, not two.
  let executor: EventLoopExecutor
  private let eventLoop: any EventLoop
  private let connection: NIOLoopBound<Connection>

  init(_ request: Request, connection: Connection, on eventLoop: any EventLoop) {
    self.request = request
    form = APIForm(path: request.path)
    executor = EventLoopExecutor(eventLoop)
    self.eventLoop = eventLoop
    self.connection = NIOLoopBound(connection, eventLoop: eventLoop)
  }

  package func reply(_ reply: Reply) { onLoop { $0.reply(reply, to: self) } }

  package func fail(_ error: APIError) { onLoop { $0.fail(error, self) } }

  /// Begins a response of unknown length.
  package func begin(_ stream: StreamForm) { onLoop { $0.begin(stream, self) } }

  package func send(_ bytes: [UInt8]) { onLoop { $0.send(bytes, of: self) } }

  /// Ends a response that was begun.
  package func finish() { onLoop { $0.finish(self) } }

  private func onLoop(_ body: @escaping @Sendable (Connection) -> Void) {
    if eventLoop.inEventLoop { return body(connection.value) }
    eventLoop.execute { [connection] in body(connection.value) }
  }
}

/// Runs tasks on an event loop.
final class EventLoopExecutor: TaskExecutor {
  private let eventLoop: any EventLoop

  init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}

/// Figures of a request for the log, besides its route and status.
package struct RequestRecord: Sendable {
  package var promptTokens: Int?
  package var cachedTokens: Int?
  package var answerTokens: Int?
  package var lambda: String?
  /// Why a prefix was not found in the cache, or what failed.
  package var remark: String?
}

import NIOCore
import NIOHTTP1

/// One client's connection: collects a request, has it answered, then takes the next. Confined to its event loop.
final class Connection: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  enum Phase {
    /// Between requests; `began` when the first byte of one has come.
    case waiting(since: NIODeadline, began: Bool)
    case reading(Incoming)
    case answering(Outgoing)
    /// After a refusal, until the client has stopped sending.
    case lingering(since: NIODeadline)
  }

  /// A request that is being read.
  struct Incoming {
    var head: HTTPRequestHead
    var route: Result<Route, APIError>
    var body = ByteBuffer()
    var began = NIODeadline.now()
    var lastByte = NIODeadline.now()
  }

  /// A request that is being answered.
  struct Outgoing {
    var exchange: Exchange
    var head: HTTPRequestHead
    var began: NIODeadline
    var keepsAlive: Bool
    var task: Task<Void, Never>?
    var status: HTTPResponseStatus?
    /// nil unless a response of unknown length has been begun.
    var stream: StreamForm?
    var lastSent = NIODeadline.now()
    /// Bytes given to the channel, and of these the bytes that the kernel has taken when that last changed.
    var sentBytes = 0
    var takenBytes = 0
    var lastTaken = NIODeadline.now()
  }

  let limits: ServerLimits
  let application: any Application
  weak var registry: ConnectionRegistry?
  var context: ChannelHandlerContext?
  var phase = Phase.waiting(since: .now(), began: false)
  var requests = 0
  /// Requests that came before the one before them was answered.
  private var pipelined: CircularBuffer<HTTPServerRequestPart> = []
  private var wantsRead = false
  /// Whether the bytes that are being read have completed a part of a request.
  private var hasRead = false
  var isStopping = false

  init(limits: ServerLimits, application: any Application, registry: ConnectionRegistry) {
    self.limits = limits
    self.application = application
    self.registry = registry
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    registry?.add(self)
  }

  func channelInactive(context: ChannelHandlerContext) {
    registry?.remove(self)
    if case .answering(let outgoing) = phase {
      outgoing.task?.cancel()
      log(outgoing, left: true)
    }
    phase = .lingering(since: .now())
    self.context = nil
    context.fireChannelInactive()
  }

  // MARK: Reading

  func read(context: ChannelHandlerContext) {
    // Nobody may fill our memory with requests that wait for their turn.
    if pipelined.isEmpty { context.read() } else { wantsRead = true }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let part = unwrapInboundIn(data)
    hasRead = true
    switch phase {
    case .lingering: break
    case .answering: pipelined.append(part)
    case .waiting, .reading: take(part)
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    defer { hasRead = false }
    // Bytes that complete nothing are the beginning of a head.
    if case .waiting(let since, began: false) = phase, !hasRead {
      phase = .waiting(since: requests == 0 ? since : .now(), began: true)
    }
    context.fireChannelReadComplete()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if case .lingering = phase { return }
    guard let error = error as? HTTPParserError else { return context.close(promise: nil) }
    if case .answering = phase { return context.close(promise: nil) }
    if case .headerOverflow = error {
      refuse(
        APIError(
          .requestHeaderFieldsTooLarge, "invalid_request_error",
          "the request's head is longer than \(limits.headBytes) bytes"))
    } else {
      refuse(APIError(.badRequest, "invalid_request_error", "this is not HTTP/1.1: \(error)"))
    }
  }

  private func take(_ part: HTTPServerRequestPart) {
    switch part {
    case .head(let head): begin(head)
    case .body(let bytes): append(bytes)
    case .end: complete()
    }
  }

  private func begin(_ head: HTTPRequestHead) {
    var incoming = Incoming(head: head, route: .failure(.notFound("")))
    if isStopping {
      incoming.route = .failure(.unavailable("the server is stopping"))
    } else {
      incoming.route = Result { () throws(APIError) in try application.admit(head) }
    }
    phase = .reading(incoming)
    if let length = head.headers.first(name: "content-length").flatMap(Int.init), length > limits.bodyBytes {
      return refuse(tooLarge)
    }
    guard head.version == .http1_1, head.headers.first(name: "expect")?.lowercased() == "100-continue" else { return }
    switch incoming.route {
    case .failure(let error): refuse(error)
    case .success:
      write(.head(HTTPResponseHead(version: .http1_1, status: .continue)))
      context?.flush()
    }
  }

  private var tooLarge: APIError {
    APIError(
      .payloadTooLarge, "invalid_request_error", "the request's body is longer than \(limits.bodyBytes) bytes")
  }

  private func append(_ bytes: ByteBuffer) {
    guard case .reading(var incoming) = phase else { return }
    incoming.lastByte = .now()
    phase = .waiting(since: .now(), began: true)  // the buffer has one owner while it grows
    incoming.body.writeImmutableBuffer(bytes)
    let isTooLarge = incoming.body.readableBytes > limits.bodyBytes
    if case .failure = incoming.route { incoming.body.clear() }
    phase = .reading(incoming)
    if isTooLarge { refuse(tooLarge) }
  }

  private func complete() {
    guard case .reading(let incoming) = phase, let context else { return }
    let exchange = Exchange(
      Request(incoming.head, body: incoming.body), connection: self, on: context.eventLoop)
    requests += 1
    phase = .answering(
      Outgoing(
        exchange: exchange, head: incoming.head, began: incoming.began,
        keepsAlive: incoming.head.isKeepAlive && !isStopping))
    switch incoming.route {
    case .failure(let error): fail(error, exchange)
    case .success(let route): answer(exchange, by: route)
    }
  }

  private func answer(_ exchange: Exchange, by route: Route) {
    switch route.action {
    case .now(let handle):
      do throws(APIError) { reply(try handle(exchange.request), to: exchange) } catch { fail(error, exchange) }
    case .later(let handle):
      let task = Task {
        do throws(APIError) { try await handle(exchange) } catch { exchange.fail(error) }
      }
      update(exchange) { $0.task = task }
    }
  }

  /// Answers with an error before the request is complete, and closes.
  private func refuse(_ error: APIError) {
    let head: HTTPRequestHead
    var began = NIODeadline.now()
    if case .reading(let incoming) = phase {
      head = incoming.head
      began = incoming.began
    } else {
      head = HTTPRequestHead(version: .http1_1, method: .GET, uri: "")
    }
    guard let context else { return }
    let exchange = Exchange(Request(head, body: ByteBuffer()), connection: self, on: context.eventLoop)
    phase = .answering(Outgoing(exchange: exchange, head: head, began: began, keepsAlive: false))
    fail(error, exchange)
  }

  /// Takes what came while a request was answered.
  func goOn() {
    while let part = pipelined.first {
      if case .answering = phase { return }
      if case .lingering = phase { return pipelined.removeAll() }
      pipelined.removeFirst()
      take(part)
    }
    if wantsRead {
      wantsRead = false
      context?.read()
    }
  }

  // MARK: State

  /// Changes the answer of `exchange`, unless it is over.
  func update(_ exchange: Exchange, _ body: (inout Outgoing) -> Void) {
    guard case .answering(var outgoing) = phase, outgoing.exchange === exchange else { return }
    body(&outgoing)
    phase = .answering(outgoing)
  }

  func write(_ part: HTTPServerResponsePart) { context?.write(wrapOutboundOut(part), promise: nil) }

  func log(_ outgoing: Outgoing, left: Bool = false) {
    let request = outgoing.exchange.request
    application.log(
      RequestLine(
        id: request.id, method: request.method.rawValue, path: request.path,
        status: left && outgoing.status == nil ? nil : outgoing.status.map { Int($0.code) },
        milliseconds: Double((NIODeadline.now() - outgoing.began).nanoseconds) / 1e6,
        record: outgoing.exchange.record.withLock { $0 }))
  }
}

import DeRaJSON
import NIOCore
import NIOHTTP1

extension Connection {
  /// Sends a whole response.
  func reply(_ reply: Reply, to exchange: Exchange) {
    guard case .answering(var outgoing) = phase, outgoing.exchange === exchange, outgoing.status == nil else { return }
    outgoing.status = reply.status
    outgoing.sentBytes = reply.body.count
    phase = .answering(outgoing)
    var head = head(reply.status, outgoing)
    head.headers.add(name: "content-type", value: reply.contentType)
    head.headers.add(name: "content-length", value: String(reply.body.count))
    for (name, value) in reply.headers { head.headers.add(name: name, value: value) }
    write(.head(head))
    if outgoing.head.method != .HEAD, !reply.body.isEmpty { write(.body(.byteBuffer(ByteBuffer(bytes: reply.body)))) }
    finish(exchange)
  }

  /// Answers with an error in the form of the interface, or ends a stream with one.
  func fail(_ error: APIError, _ exchange: Exchange) {
    guard case .answering(let outgoing) = phase, outgoing.exchange === exchange else { return }
    guard let stream = outgoing.stream else { return reply(exchange.form.reply(error), to: exchange) }
    send(stream.frame(exchange.form.body(of: error)), of: exchange)
    update(exchange) { $0.keepsAlive = false }
    finish(exchange)
  }

  func begin(_ stream: StreamForm, _ exchange: Exchange) {
    guard case .answering(var outgoing) = phase, outgoing.exchange === exchange, outgoing.status == nil else { return }
    outgoing.status = .ok
    outgoing.stream = stream
    outgoing.lastSent = .now()
    if outgoing.head.version != .http1_1 { outgoing.keepsAlive = false }
    phase = .answering(outgoing)
    var head = head(.ok, outgoing)
    head.headers.add(name: "content-type", value: stream.contentType)
    head.headers.add(name: "cache-control", value: "no-store")
    head.headers.add(name: "x-accel-buffering", value: "no")
    write(.head(head))
    context?.flush()
  }

  func send(_ bytes: [UInt8], of exchange: Exchange) {
    guard case .answering(var outgoing) = phase, outgoing.exchange === exchange, outgoing.stream != nil, let context
    else { return }
    outgoing.lastSent = .now()
    outgoing.sentBytes += bytes.count
    phase = .answering(outgoing)
    context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))), promise: nil)
    if unsentBytes > limits.unreadBytes { context.close(promise: nil) }
  }

  /// Ends the response and takes the next request, or closes.
  func finish(_ exchange: Exchange) {
    guard case .answering(let outgoing) = phase, outgoing.exchange === exchange, let context else { return }
    log(outgoing)
    let last = context.eventLoop.makePromise(of: Void.self)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: last)
    if outgoing.keepsAlive {
      phase = .waiting(since: .now(), began: false)
      last.futureResult.cascade(to: nil)
      return goOn()
    }
    phase = .lingering(since: .now())
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    last.futureResult.whenSuccess { bound.value.close(mode: .output, promise: nil) }
  }

  private func head(_ status: HTTPResponseStatus, _ outgoing: Outgoing) -> HTTPResponseHead {
    var head = HTTPResponseHead(version: outgoing.head.version, status: status)
    head.headers.add(name: "x-request-id", value: outgoing.exchange.request.id)
    for (name, value) in application.headers(for: outgoing.head) { head.headers.add(name: name, value: value) }
    if !outgoing.keepsAlive {
      head.headers.add(name: "connection", value: "close")
    } else if outgoing.head.version == .http1_0 {
      head.headers.add(name: "connection", value: "keep-alive")
    }
    return head
  }

  /// Bytes that wait for the kernel.
  private var unsentBytes: Int {
    (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
  }

  // MARK: Limits in time

  /// Ends what has taken too long; called once a tick.
  func check(_ now: NIODeadline) {
    switch phase {
    case .waiting(let since, let began):
      let isSlow = now - since > (began || requests == 0 ? limits.headTime : limits.idleTime)
      if isSlow { context?.close(promise: nil) }
    case .reading(let incoming):
      let isSlow = now - incoming.lastByte > limits.stallTime || now - incoming.began > 10 * limits.stallTime
      if isSlow { context?.close(promise: nil) }
    case .lingering(let since):
      // A response that is still being taken is given the time of one.
      if now - since > (unsentBytes == 0 ? limits.lingerTime : limits.stallTime) { context?.close(promise: nil) }
    case .answering(var outgoing):
      let taken = outgoing.sentBytes - unsentBytes
      if taken != outgoing.takenBytes || unsentBytes == 0 {
        outgoing.takenBytes = taken
        outgoing.lastTaken = now
      }
      phase = .answering(outgoing)
      if now - outgoing.lastTaken > limits.stallTime { return context?.close(promise: nil) ?? () }
      if let ping = outgoing.stream?.ping, now - outgoing.lastSent >= limits.pingTime {
        send(ping, of: outgoing.exchange)
      }
    }
  }

  // MARK: Stopping

  /// Takes no more requests; closes unless one is being answered.
  func stop() {
    isStopping = true
    switch phase {
    case .waiting: context?.close(promise: nil)
    case .answering(let outgoing): update(outgoing.exchange) { $0.keepsAlive = false }
    case .reading, .lingering: break
    }
  }

  /// Ends the answer that is being given with an error.
  func abandon() {
    guard case .answering(let outgoing) = phase else { return context?.close(promise: nil) ?? () }
    outgoing.task?.cancel()
    fail(.unavailable("the server is stopping"), outgoing.exchange)
  }

  var isAnswering: Bool {
    switch phase {
    case .answering, .reading: true
    case .waiting, .lingering: false
    }
  }

  /// When the connection became idle; nil while it is not.
  var idleSince: NIODeadline? {
    if case .waiting(let since, began: false) = phase { since } else { nil }
  }
}

import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Listens, and hands connections to an application. One event loop serves all of them: the processor is the models'.
package final class Server: Sendable {
  private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
  private let limits: ServerLimits
  private let application: any Application
  private let registry: NIOLoopBoundBox<ConnectionRegistry>
  private let eventLoop: any EventLoop
  /// When the event loop last looked at its connections.
  private let heartbeat: Heartbeat

  package init(_ application: any Application, limits: ServerLimits = ServerLimits()) {
    self.application = application
    self.limits = limits
    eventLoop = group.next()
    heartbeat = Heartbeat()
    let loop = eventLoop
    registry = NIOLoopBoundBox.makeBoxSendingValue(ConnectionRegistry(limits: limits), eventLoop: loop)
    loop.scheduleRepeatedTask(initialDelay: limits.tick, delay: limits.tick) { [registry, heartbeat] _ in
      heartbeat.time.store(NIODeadline.now().uptimeNanoseconds, ordering: .relaxed)
      registry.value.check()
    }
  }

  /// Listens at an address.
  /// - Returns: the port, which the system chooses for 0.
  /// - Throws: `ListenError`.
  package func listen(host: String, port: Int) throws(ListenError) -> Int {
    let (limits, application, registry) = (limits, application, registry)
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 128)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.socketOption(.so_sndbuf), value: .init(limits.sendBufferBytes))
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try Self.set(up: channel, limits, application, registry.value) }
      }
    do {
      let channel = try bootstrap.bind(host: host, port: port).wait()
      eventLoop.execute { registry.value.listeners.append(channel) }
      return channel.localAddress?.port ?? port
    } catch {
      throw ListenError(host: host, port: port, reason: "\(error)", code: (error as? IOError)?.errnoCode)
    }
  }

  private static func set(
    up channel: any Channel, _ limits: ServerLimits, _ application: any Application, _ registry: ConnectionRegistry
  ) throws {
    guard registry.makeRoom() else { return channel.close(promise: nil) }
    var head = NIOHTTPDecoderLimitConfiguration()
    head.maxHeaderFieldSize = limits.headBytes
    head.maxHeaderListSize = limits.headBytes
    let decoder = HTTPRequestDecoder(
      leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .drop, limitConfiguration: head)
    try channel.pipeline.syncOperations.addHandlers([
      HTTPResponseEncoder(), ByteToMessageHandler(decoder),
      Connection(limits: limits, application: application, registry: registry),
    ])
  }

  /// Whether the event loop has come round lately, for a watchdog.
  package var isAlive: Bool {
    NIODeadline.now().uptimeNanoseconds - heartbeat.time.load(ordering: .relaxed)
      < UInt64((limits.tick * 5).nanoseconds)
  }

  /// Stops listening, waits for the answers that are being given, ends those that take too long with an error.
  /// A second call does nothing.
  package func stop(within grace: TimeAmount) {
    guard heartbeat.isStopped.exchange(true, ordering: .relaxed) == false else { return }
    let (eventLoop, registry) = (eventLoop, registry)
    try? eventLoop.submit { registry.value.stop() }.wait()
    let done = eventLoop.makePromise(of: Void.self)
    let deadline = NIODeadline.now() + grace
    eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(20)) { task in
      let registry = registry.value
      if registry.isAnswering, .now() < deadline { return }
      registry.abandon()
      task.cancel()
      // What was written last is on its way before the process ends.
      eventLoop.scheduleTask(in: .milliseconds(100)) { done.succeed() }
    }
    try? done.futureResult.wait()
    try? group.syncShutdownGracefully()
  }
}

private final class Heartbeat: Sendable {
  let time = Atomic(NIODeadline.now().uptimeNanoseconds)
  /// The server has been asked to stop.
  let isStopped = Atomic(false)
}

/// Why an address cannot be listened at.
package struct ListenError: Error, CustomStringConvertible {
  package let host: String
  package let port: Int
  package let reason: String
  package let code: Int32?

  package var description: String { "cannot listen at \(host), port \(port): \(reason)" }
}

/// The connections there are. Confined to the event loop.
final class ConnectionRegistry {
  private let limits: ServerLimits
  private var connections: [ObjectIdentifier: Connection] = [:]
  var listeners: [any Channel] = []
  private var isStopping = false

  init(limits: ServerLimits) { self.limits = limits }

  func add(_ connection: Connection) { connections[ObjectIdentifier(connection)] = connection }
  func remove(_ connection: Connection) { connections[ObjectIdentifier(connection)] = nil }

  /// Makes room for a connection by closing the one that has been idle longest.
  /// - Returns: false when all are busy.
  func makeRoom() -> Bool {
    guard !isStopping else { return false }
    guard connections.count >= limits.connections else { return true }
    let idle = connections.values.compactMap { connection in connection.idleSince.map { (connection, $0) } }
    guard let longest = idle.min(by: { $0.1 < $1.1 })?.0 else { return false }
    remove(longest)
    longest.context?.close(promise: nil)
    return true
  }

  func check() {
    let now = NIODeadline.now()
    for connection in Array(connections.values) { connection.check(now) }
  }

  func stop() {
    isStopping = true
    for listener in listeners { listener.close(promise: nil) }
    for connection in Array(connections.values) { connection.stop() }
  }

  var isAnswering: Bool { connections.values.contains(where: \.isAnswering) }

  func abandon() {
    for connection in Array(connections.values) { connection.abandon() }
  }
}

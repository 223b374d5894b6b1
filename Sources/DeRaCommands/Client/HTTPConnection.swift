import DeRaConsole
import DeRaPlatform

/// A connection to a server. Whatever waits ends soon after Ctrl-C, with `Interrupted`.
final class HTTPConnection {
  /// Longest time to connect, and longest time without a byte: a prompt may be read for minutes before the first one.
  private static let connectPatience = Duration.seconds(10)
  private static let silencePatience = Duration.seconds(600)
  /// How often Ctrl-C is looked for.
  private static let pollMilliseconds: Int32 = 100
  private static let chunkBytes = 1 << 14

  private let address: ServerAddress
  private var descriptor: Int32 = -1

  /// - Throws: `ServerError.unreachable`, `Interrupted`.
  init(_ address: ServerAddress) throws {
    self.address = address
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(address.host, address.port, &hints, &list)
    guard code == 0, let list else {
      throw ServerError.unreachable(address, reason: "the host is not known (\(String(cString: gai_strerror(code))))")
    }
    defer { freeaddrinfo(list) }
    var reason: Int32 = 0
    for entry in sequence(first: list, next: { $0.pointee.ai_next }) {
      reason = try connect(to: entry.pointee)
      if reason == 0 { return }
    }
    throw ServerError.unreachable(address, reason: String(cString: strerror(reason)))
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// - Returns: the system's error code; 0 once connected.
  private func connect(to entry: addrinfo) throws -> Int32 {
    let new = socket(entry.ai_family, entry.ai_socktype, entry.ai_protocol)
    guard new >= 0 else { return errno }
    if descriptor >= 0 { close(descriptor) }
    descriptor = new
    _ = fcntl(new, F_SETFD, FD_CLOEXEC)
    _ = fcntl(new, F_SETFL, O_NONBLOCK)
    var on: Int32 = 1
    setsockopt(new, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    if DeRaPlatform.connect(new, entry.ai_addr, entry.ai_addrlen) == 0 { return 0 }
    guard errno == EINPROGRESS else { return errno }
    guard try isReady(POLLOUT, within: Self.connectPatience) else { return ETIMEDOUT }
    var code: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(new, SOL_SOCKET, SO_ERROR, &code, &size)
    return code
  }

  /// - Throws: `ServerError.broken`, `Interrupted`.
  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      guard try isReady(POLLOUT, within: Self.silencePatience) else { throw silent }
      let count = bytes[sent...].withUnsafeBytes {
        DeRaPlatform.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      // An answer may be there already: a server need not read what it refuses.
      if count < 0 && (errno == EPIPE || errno == ECONNRESET) { return }
      sent += try checked(count)
    }
  }

  /// The next bytes; empty once the server has closed the connection.
  /// - Throws: `ServerError.broken`, `Interrupted`.
  func receive() throws -> [UInt8] {
    while true {
      guard try isReady(POLLIN, within: Self.silencePatience) else { throw silent }
      var count = 0
      let bytes = [UInt8](unsafeUninitializedCapacity: Self.chunkBytes) { buffer, used in
        count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
        used = max(count, 0)
      }
      if count >= 0 { return bytes }
      _ = try checked(count)
    }
  }

  private var silent: ServerError {
    .broken(address, reason: "nothing came for \(Self.silencePatience.components.seconds) s")
  }

  private func checked(_ count: Int) throws -> Int {
    if count >= 0 { return count }
    if errno == EINTR || errno == EAGAIN { return 0 }
    throw ServerError.broken(address, reason: "the connection broke: \(String(cString: strerror(errno)))")
  }

  /// Whether the socket can be used before `patience` is over.
  private func isReady(_ events: Int32, within patience: Duration) throws -> Bool {
    let start = ContinuousClock.now
    while start.duration(to: .now) < patience {
      try Interrupt.check()
      var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
      if poll(&entry, 1, Self.pollMilliseconds) > 0 { return true }
    }
    return false
  }
}

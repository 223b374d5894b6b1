import DeRaPlatform

/// Tells systemd how the service is, by the protocol of sd_notify(3): datagrams to the socket that NOTIFY_SOCKET names.
package struct SystemdNotifier: Sendable {
  private let path: String
  /// Half the time after which systemd takes silence for a hang; nil without a watchdog.
  package let watchdogMicroseconds: Int?

  /// nil when nobody listens.
  package init?(environment: [String: String]) {
    guard let path = environment["NOTIFY_SOCKET"], path.hasPrefix("/") || path.hasPrefix("@") else { return nil }
    self.path = path
    let isOurs = environment["WATCHDOG_PID"].map { Int32($0) == getpid() } ?? true
    watchdogMicroseconds = isOurs ? environment["WATCHDOG_USEC"].flatMap(Int.init).map { max($0 / 2, 1) } : nil
  }

  package func ready(_ status: String) { send("READY=1\nSTATUS=\(status)\n") }
  package func status(_ status: String) { send("STATUS=\(status)\n") }
  package func alive() { send("WATCHDOG=1\n") }
  package func stopping() { send("STOPPING=1\n") }

  /// There is nobody to tell when it fails.
  private func send(_ text: String) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(path.utf8)
    // Linux's abstract names begin with a zero byte.
    if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        _ = text.withCString {
          sendto(descriptor, $0, strlen($0), Int32(MSG_NOSIGNAL), address, socklen_t(offset + bytes.count))
        }
      }
    }
  }
}

import DeRaConsole
import DeRaPlatform

/// Where other machines find the server.
enum Reachability {
  /// The URL for other machines: the one of the address that the server listens at, or of this machine's first where that is all of
  /// them. nil where only this machine can reach it.
  static func url(of addresses: [String]) -> String? {
    for address in addresses {
      if address.hasPrefix("http://127.") || address.hasPrefix("http://[::1]") || address.hasPrefix("http://localhost")
      {
        continue
      }
      for all in ["http://0.0.0.0:", "http://[::]:"] where address.hasPrefix(all) {
        return firstAddress().map { "http://\($0):\(address.dropFirst(all.count))" }
      }
      return address
    }
    return nil
  }

  /// The first IPv4 address of this machine that is not the loopback's.
  private static func firstAddress() -> String? {
    var first: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&first) == 0 else { return nil }
    defer { freeifaddrs(first) }
    for entry in sequence(first: first, next: { $0?.pointee.ifa_next }) {
      guard let entry, let address = entry.pointee.ifa_addr, address.pointee.sa_family == AF_INET,
        entry.pointee.ifa_flags & UInt32(IFF_LOOPBACK) == 0,
        entry.pointee.ifa_flags & UInt32(IFF_UP) != 0
      else { continue }
      var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      let size = socklen_t(MemoryLayout<sockaddr_in>.size)
      guard getnameinfo(address, size, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0 else { continue }
      return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
    return nil
  }

  /// Says where other machines find the server, for people at a terminal also as a QR code: who points a phone at it is let in.
  /// - Parameter key: one that the page may use.
  static func tell(_ addresses: [String], key: String?) {
    guard let url = url(of: addresses) else { return }
    Output.note("Other machines reach it at \(url)")
    guard Terminal.usesColor(STDERR_FILENO) else { return }
    let withKey = key.map { "\(url)/#key=\(escaped($0))" }.flatMap(QRCode.init)
    guard let code = withKey ?? QRCode(url) else { return }
    Output.note(code.text)
    if key != nil {
      Output.note(
        withKey == nil ? "The key is too long for the code; the page asks for it." : "The code holds the key.")
    }
  }

  /// A text as a URL's fragment takes it.
  private static func escaped(_ text: String) -> String {
    text.utf8.map { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
        String(UnicodeScalar(byte))
      default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }.joined()
  }
}

import DeRa
import DeRaJSON
import DeRaPlatform
import DeRaServer
import DeRaTestSupport
import NIOCore
import NIOPosix
import Synchronization

/// A server of the storyteller whose engine is a script.
final class TestServer: Sendable {
  let server: Server
  let port: Int
  let engine: ScriptedEngine
  let lines: Lines

  final class Lines: Sendable {
    let all = Mutex<[RequestLine]>([])
  }

  init(
    _ script: ScriptedEngine.Script = .words([" kind", " girl"]), access: Access = Access(),
    limits: ServerLimits = ServerLimits(), sequences: Int = 2
  ) throws {
    engine = ScriptedEngine(script, sequences: sequences)
    let lines = Lines()
    self.lines = lines
    let router = Router(access: access) { line in lines.all.withLock { $0.append(line) } }
    server = Server(router, limits: limits)
    port = try server.listen(host: "127.0.0.1", port: 0)
    router.open(Service(try Self.model(), engine.answering).routes())
  }

  static func model() throws -> ServedModel {
    let bundle = try ModelBundle(path: Fixtures.storyteller)
    return try ServedModel(
      bundle, name: "storyteller", format: try PromptFormat(bundle), context: 512,
      realignment: Realignment(1, models: bundle.alignedModels.count), presets: ServedModel.usualPresets(bundle),
      options: GenerationOptions(), started: 1_700_000_000)
  }

  func connect() throws -> TestClient { try TestClient(port: port) }

  /// The response to one request on a connection of its own.
  func ask(_ method: String, _ path: String, _ body: String? = nil, headers: [String] = []) throws -> TestResponse {
    let client = try connect()
    try client.send(method, path, body, headers: headers)
    return try client.response(isHead: method == "HEAD")
  }

  deinit { server.stop(within: .zero) }
}

/// Runs blocking code beside the threads that Swift's tasks, the server's handlers among them, run on.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await NIOThreadPool.singleton.runIfActive(body)
}

func pause(milliseconds: UInt32) { usleep(milliseconds * 1000) }

/// Waits until something is so.
func eventually(_ what: String, _ condition: () -> Bool) throws {
  for _ in 0..<10_000 {
    if condition() { return }
    usleep(2000)
  }
  throw SocketError(what: "\(what) did not come about")
}

struct TestResponse: Sendable {
  var status: Int
  /// Names in lower case.
  var headers: [String: String]
  var body: [UInt8]

  var text: String { String(decoding: body, as: UTF8.self) }
  var json: JSON { (try? JSON.parse(text)) ?? .null }
  /// The JSON of a stream of events, without `[DONE]`.
  var events: [JSON] {
    text.split(separator: "\n\n").filter { $0.hasPrefix("data: {") }.map {
      (try? JSON.parse(String($0.dropFirst(6)))) ?? .null
    }
  }
}

struct SocketError: Error {
  var what: String
}

/// A client that writes bytes as they are.
final class TestClient: @unchecked Sendable {
  private let descriptor: Int32
  private var buffer: [UInt8] = []

  init(port: Int, receiveBuffer: Int32? = nil) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var time = timeval(tv_sec: 120, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    if var size = receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        DeRaPlatform.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw SocketError(what: "connect: \(errno)") }
  }

  deinit { close(descriptor) }

  func send(_ text: String) throws {
    let bytes = Array(text.utf8)
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes {
        DeRaPlatform.send(descriptor, $0.baseAddress! + done, bytes.count - done, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw SocketError(what: "send: \(errno)") }
      done += count
    }
  }

  func send(_ method: String, _ path: String, _ body: String? = nil, headers: [String] = []) throws {
    var lines = ["\(method) \(path) HTTP/1.1"]
    if !headers.contains(where: { $0.lowercased().hasPrefix("host:") }) { lines.append("Host: localhost") }
    lines += headers
    if let body { lines.append("Content-Length: \(body.utf8.count)") }
    try send(lines.joined(separator: "\r\n") + "\r\n\r\n" + (body ?? ""))
  }

  /// More bytes; false at the end of the connection.
  private func more() throws -> Bool {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    let count = recv(descriptor, &chunk, chunk.count, 0)
    if count < 0 && errno == ECONNRESET { return false }
    guard count >= 0 else { throw SocketError(what: "recv: \(errno)") }
    buffer += chunk[..<count]
    return count > 0
  }

  /// Reads until a text has come; what follows it stays.
  func read(until text: String) throws -> String {
    let mark = Array(text.utf8)
    while true {
      if let range = buffer.firstRange(of: mark) {
        defer { buffer.removeFirst(range.upperBound) }
        return String(decoding: buffer[..<range.upperBound], as: UTF8.self)
      }
      guard try more() else {
        throw SocketError(what: "closed before '\(text)'; there was '\(String(decoding: buffer, as: UTF8.self))'")
      }
    }
  }

  private func take(_ count: Int) throws -> [UInt8] {
    while buffer.count < count { guard try more() else { throw SocketError(what: "closed inside a body") } }
    defer { buffer.removeFirst(count) }
    return Array(buffer[..<count])
  }

  /// Whether the server has closed, or does so within the time limit.
  func isClosed() throws -> Bool {
    while try more() {}
    return true
  }

  /// Head only, of a response that goes on.
  func head() throws -> TestResponse {
    let lines = try read(until: "\r\n\r\n").split(separator: "\r\n")
    guard let first = lines.first, let status = Int(first.split(separator: " ")[1]) else {
      throw SocketError(what: "no status line")
    }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      headers[parts[0].lowercased()] = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
    }
    return TestResponse(status: status, headers: headers, body: [])
  }

  func response(isHead: Bool = false) throws -> TestResponse {
    var response = try head()
    if isHead { return response }
    if response.headers["transfer-encoding"] == "chunked" {
      while true {
        let size = Int(try read(until: "\r\n").dropLast(1).filter { $0.isHexDigit }, radix: 16) ?? 0
        response.body += try take(size)
        _ = try take(2)
        if size == 0 { break }
      }
    } else if let length = response.headers["content-length"].flatMap({ Int($0) }) {
      response.body = try take(length)
    } else {
      while try more() {}
      response.body = buffer
      buffer = []
    }
    return response
  }
}

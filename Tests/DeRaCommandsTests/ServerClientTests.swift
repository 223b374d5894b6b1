import DeRa
import DeRaCommands
import DeRaJSON
import DeRaPlatform
import Synchronization
import Testing

/// A server that answers each connection with the next of some texts and keeps what it was sent.
private final class StubServer: Sendable {
  let address: ServerAddress
  private let listener: Int32
  private let state: Mutex<(answers: [String], requests: [String])>

  init(_ answers: [String]) throws {
    state = Mutex((answers, []))
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    let port = withUnsafeMutablePointer(to: &name) { name in
      name.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        guard bind(listener, pointer, size) == 0, listen(listener, 16) == 0 else { return UInt16(0) }
        getsockname(listener, pointer, &size)
        return UnsafeRawPointer(pointer).load(as: sockaddr_in.self).sin_port.bigEndian
      }
    }
    address = try ServerAddress("http://127.0.0.1:\(port)/v1/")
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<StubServer>.fromOpaque(argument).takeRetainedValue().serve() }
        return nil
      }, Unmanaged.passRetained(self).toOpaque())
    pthread_detach(thread)
  }

  var requests: [String] { state.withLock { $0.requests } }

  private func serve() {
    while let answer = state.withLock({ $0.answers.isEmpty ? nil : $0.answers.removeFirst() }) {
      let connection = accept(listener, nil, nil)
      let request = read(connection)
      state.withLock { $0.requests.append(request) }
      _ = Array(answer.utf8).withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      close(connection)
    }
    close(listener)
  }

  /// A request as long as its head says.
  private func read(_ connection: Int32) -> String {
    var text = ""
    var chunk = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(connection, &chunk, chunk.count, 0)
      guard count > 0 else { return text }
      text += String(decoding: chunk[..<count], as: UTF8.self)
      guard let end = text.firstRange(of: "\r\n\r\n") else { continue }
      let length = text.firstMatch(of: /Content-Length: (\d+)/).flatMap { Int($0.1) } ?? 0
      if text[end.upperBound...].utf8.count >= length { return text }
    }
  }

  static func json(_ body: String, status: String = "200 OK") -> String {
    "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  /// A chunked stream of events, the connection closed after them.
  static func stream(_ events: [String], isWhole: Bool = true) -> String {
    let chunks = events.map { "data: \($0)\n\n" }.map { "\(String($0.utf8.count, radix: 16))\r\n\($0)\r\n" }
    return "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
      + chunks.joined() + (isWhole ? "0\r\n\r\n" : "")
  }

  static let models = json(
    #"{"data":[{"id":"pair","meta":{"n_ctx":512},"dera":{"lambda":{"brief":0.5},"aligned":["brief"]}}]}"#)
}

@Suite struct ServerClientTests {
  private func request(_ lambda: Float = 0.3) -> ServerSession.Request {
    ServerSession.Request(
      .messages([Message(role: "user", content: "hi \"λ\"")]), realignment: Realignment(lambdas: [lambda]),
      options: GenerationOptions(logitBias: [7: -.infinity], seed: 3, maxTokens: 9, stopStrings: ["x"]))
  }

  private static let events = [
    #"{"choices":[{"delta":{"role":"assistant","content":null}}]}"#,
    #"{"choices":[{"delta":{"content":"Hé"},"finish_reason":null}]}"#,
    #"{"choices":[{"delta":{"content":"llo"},"finish_reason":null}]}"#,
    #"{"choices":[{"delta":{},"finish_reason":"length"}],"timings":{"prompt_ms":20,"predicted_ms":500},"dera":{"seed":3}}"#,
    #"{"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":9,"prompt_tokens_details":{"cached_tokens":2}}}"#,
    "[DONE]",
  ]

  @Test func anAnswerIsStreamed() throws {
    let server = try StubServer([StubServer.models, StubServer.stream(Self.events)])
    let session = try ServerSession(ServerClient(server.address, key: "secret"))
    #expect(session.alignedModels == ["brief"])
    var pieces: [String] = []
    let generation = try session.answer(request()) { text in
      pieces.append(text)
      return true
    }
    #expect(pieces == ["Hé", "llo"] && generation.text == "Héllo" && generation.finishReason == .length)
    #expect(generation.promptTokens == 12 && generation.reusedTokens == 2 && generation.answerTokens == 9)
    #expect(generation.seed == 3 && generation.decodeRate == 16 && generation.prefillRate == 500)
    let sent = server.requests[1]
    #expect(
      sent.hasPrefix("POST /v1/chat/completions HTTP/1.1\r\n") && sent.contains("Authorization: Bearer secret\r\n"))
    let body = try JSON.parse(String(sent[try #require(sent.firstRange(of: "\r\n\r\n")).upperBound...]))
    #expect(body["lambda"]?["brief"]?.double == 0.3 && body["model"]?.string == "pair" && body["seed"]?.int == 3)
    #expect(body["messages"]?.array?.first?["content"]?.string == "hi \"λ\"")
    #expect(body["logit_bias"]?["7"]?.bool == false && body["stop"]?.array?.first?.string == "x")
    #expect(body["temperature"]?.double == 0.8 && body["max_tokens"]?.int == 9)
  }

  @Test func aReferenceConversationIsSent() throws {
    let server = try StubServer([StubServer.models])
    let session = try ServerSession(ServerClient(server.address))
    var request = request()
    request.prompt = .messages([Message(role: "system", content: "s"), Message(role: "user", content: "u")])
    request.reference = .system(nil)
    request.realignment.prompt = 1.5
    let body = try session.body(request)
    #expect(body["reference_messages"]?.array?.count == 1 && body["lambda"]?["prompt"]?.double == 1.5)
  }

  @Test func anAnswerThatIsNotWantedClosesTheConnection() throws {
    let server = try StubServer([StubServer.models, StubServer.stream(Self.events)])
    let generation = try ServerSession(ServerClient(server.address)).answer(request()) { _ in false }
    #expect(generation.finishReason == .cancelled && generation.text == "Hé")
  }

  @Test(
    arguments: [
      (StubServer.json(#"{"error":{"message":"no key"}}"#, status: "401 Unauthorized"), "no key (401)"),
      (StubServer.json("not here", status: "404 Not Found"), "not here (404)"),
      (StubServer.json("{}"), "does not stream"), (StubServer.json("{"), "not JSON"),
      (StubServer.stream(Array(events.prefix(3)), isWhole: false), "broke off"),
      (StubServer.stream(Array(events.prefix(3))), "broke off"),
      (StubServer.stream([events[1], #"{"error":{"message":"stopping","code":503}}"#]), "stopping (503)"),
      (StubServer.stream(["nonsense"]), "not JSON"), ("SSH-2.0\r\n\r\n", "does not speak HTTP"), ("", "said nothing"),
    ])
  func failuresSayWhatAndWhatToDo(answer: String, message: String) throws {
    let server = try StubServer([StubServer.models, answer])
    let session = try ServerSession(ServerClient(server.address))
    let error = #expect(throws: ServerError.self) { try session.answer(request()) { _ in true } }
    let text = "\(try #require(error))"
    #expect(text.contains(message) && text.contains(";"), "\(text)")
  }

  @Test func nobodyThere() throws {
    let server = try StubServer([])
    #expect(throws: ServerError.self) { try ServerSession(ServerClient(server.address)) }
  }

  @Test(arguments: [
    ("http://pi", "pi", "80", ""), ("HTTP://pi:8080/", "pi", "8080", ""), ("http://[::1]:9/v1", "::1", "9", ""),
    ("http://pi:1/a/v1/", "pi", "1", "/a"),
  ]) func addresses(text: String, host: String, port: String, path: String) throws {
    let address = try ServerAddress(text)
    #expect(address.host == host && address.port == port && address.path == path)
  }

  @Test(arguments: [
    "https://pi", "ftp://pi", "http://", "http://:80", "http://pi:0", "http://pi:x", "http://pi:70000", "http://[::1",
    "http://[::1]x", "http://a@pi", "http://pi/?q", "http://p i",
  ]) func badAddresses(text: String) {
    #expect(throws: ServerError.self) { try ServerAddress(text) }
  }
}

@Suite struct HTTPResponseTests {
  /// Bodies do not depend on where the bytes are cut.
  @Test(arguments: [
    ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloX", "hello"),
    ("HTTP/1.0 200 OK\r\n\r\nto the end", "to the end"),
    (
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n",
      "abcde"
    ),
    ("HTTP/1.1 204 No Content\r\n\r\n", ""),
  ]) func bodies(text: String, body: String) throws {
    let bytes = Array(text.utf8)
    for cut in 0...bytes.count {
      var response = HTTPResponse()
      var found: [UInt8] = []
      for part in [bytes[..<cut], bytes[cut...]] { found += try response.append(Array(part)) }
      try response.end()
      #expect(String(decoding: found, as: UTF8.self) == body && response.isComplete, "cut at \(cut)")
    }
  }

  @Test(arguments: [
    "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20\r\n\r\n", "HTTP/1.1 200 OK\r\nx\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n", "HTTP/1.1 200",
    String(repeating: "x", count: 1 << 17),
  ]) func damagedResponses(text: String) {
    #expect(throws: HTTPResponse.Malformed.self) {
      var response = HTTPResponse()
      _ = try response.append(Array(text.utf8))
      try response.end()
    }
  }

  @Test func events() throws {
    let bytes = Array(": ping\n\ndata: a\n\nevent: x\r\ndata:b\r\ndata: c\r\n\r\ndata: d\r\rid: 1\n\n".utf8)
    for cut in 0...bytes.count {
      var stream = EventStream()
      var events: [[UInt8]] = []
      for part in [bytes[..<cut], bytes[cut...]] { events += try stream.append(Array(part)) }
      #expect(events.map { String(decoding: $0, as: UTF8.self) } == ["a", "b\nc", "d"], "cut at \(cut)")
    }
  }
}

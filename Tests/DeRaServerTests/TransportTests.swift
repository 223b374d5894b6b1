import DeRaJSON
import DeRaServer
import NIOCore
import Testing

@Suite struct TransportTests {
  @Test func answersAndKeepsTheConnection() async throws {
    let server = try TestServer()
    try await blocking {
      let client = try server.connect()
      for _ in 0..<3 {
        try client.send("GET", "/health")
        let response = try client.response()
        #expect(response.status == 200 && response.text == #"{"status":"ok"}"#)
        #expect(response.headers["x-request-id"]?.hasPrefix("req-") == true)
      }
    }
  }

  @Test func requestsOfOnePacketAreAnsweredInOrder() async throws {
    let server = try TestServer()
    try await blocking {
      let client = try server.connect()
      let chat = #"{"messages":[{"role":"user","content":"Hi"}]}"#
      let head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(chat.utf8.count)\r\n\r\n"
      try client.send(
        head + chat + "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
      let answers = try (0..<3).map { _ in try client.response() }
      #expect(answers.map(\.status) == [200, 404, 200])
      #expect(answers[0].json["choices"]?.array?[0]["message"]?["content"]?.string == " kind girl")
    }
  }

  @Test func headsAndBodiesHaveLimits() async throws {
    let server = try TestServer()
    try await blocking {
      #expect(
        try server.ask("GET", "/health", headers: ["X-Long: " + String(repeating: "a", count: 17 << 10)]).status == 431)
      #expect(try server.ask("GET", "/" + String(repeating: "a", count: 17 << 10)).status == 431)
      let many = (0..<300).map { "X-\($0): a" }
      #expect(try server.ask("GET", "/health", headers: many).status == 431)
      let body = #"{"content":""# + String(repeating: "a", count: 5 << 20) + "\"}"
      let large = try server.ask("POST", "/tokenize", body)
      #expect(large.status == 413 && large.json["error"]?["type"]?.string == "invalid_request_error")
      let client = try server.connect()
      try client.send("POST /tokenize HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
      let chunk = String(repeating: "a", count: 1 << 20)
      for _ in 0..<5 { try client.send("100000\r\n\(chunk)\r\n") }
      #expect(try client.response().status == 413)
    }
  }

  @Test func whatIsNotHTTPIsRefused() async throws {
    let server = try TestServer()
    try await blocking {
      for text in [
        "\u{16}\u{3}\u{1}\r\n\r\n", "GET /health HTTP/9.1\r\n\r\n", "GET\r\n\r\n",
        "POST /tokenize HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        "POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      ] {
        let client = try server.connect()
        try client.send(text)
        #expect(try client.response().status == 400, "\(text)")
        #expect(try client.isClosed())
      }
    }
  }

  @Test func continueIsAnsweredBeforeTheBody() async throws {
    let server = try TestServer()
    try await blocking {
      let client = try server.connect()
      try client.send(
        "POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16\r\nExpect: 100-continue\r\n\r\n")
      #expect(try client.head().status == 100)
      try client.send(#"{"content":"One"}"#.dropLast(0).prefix(16).description)
      #expect(try client.response().status == 400)
      let refused = try server.connect()
      try refused.send("POST /no HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16\r\nExpect: 100-continue\r\n\r\n")
      #expect(try refused.response().status == 404)
      let large = try server.connect()
      try large.send(
        "POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000\r\nExpect: 100-continue\r\n\r\n")
      #expect(try large.response().status == 413)
    }
  }

  @Test func headsThatDoNotComeAreNotWaitedFor() async throws {
    var limits = ServerLimits()
    (limits.headTime, limits.stallTime, limits.tick) = (.seconds(1), .seconds(1), .milliseconds(20))
    let server = try TestServer(limits: limits)
    try await blocking {
      let silent = try server.connect()
      #expect(try silent.isClosed())
      let slow = try server.connect()
      try slow.send("GET /health HTTP/1.1\r\nHost:")
      #expect(try slow.isClosed())
      let body = try server.connect()
      try body.send("POST /tokenize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16\r\n\r\n{")
      #expect(try body.isClosed())
    }
  }

  @Test func idleConnectionsMakeRoomForNewOnes() async throws {
    var limits = ServerLimits()
    limits.connections = 2
    let server = try TestServer(limits: limits)
    try await blocking {
      let clients = try (0..<3).map { index in
        // A connection is idle a moment after its client has the response.
        if index == 2 { pause(milliseconds: 1000) }
        let client = try server.connect()
        try client.send("GET", "/health")
        _ = try client.response()
        return client
      }
      #expect(try clients[0].isClosed())
      try clients[2].send("GET", "/health")
      #expect(try clients[2].response().status == 200)
    }
  }

  @Test func aClientThatLeavesEndsItsAnswer() async throws {
    let server = try TestServer(.endless(" and"))
    try await blocking {
      for stream in ["true", "false"] {
        let before = server.engine.cancelled
        var client: TestClient? = try server.connect()
        try client?.send(
          "POST", "/v1/chat/completions", #"{"messages":[{"role":"user","content":"Hi"}],"stream":\#(stream)}"#)
        if stream == "true" { _ = try client?.read(until: " and") }
        try eventually("a request") { server.engine.requests.count > before }
        client = nil
        try eventually("a cancellation") { server.engine.cancelled > before }
      }
    }
  }

  @Test func aClientThatDoesNotReadIsDropped() async throws {
    var limits = ServerLimits()
    limits.sendBufferBytes = 16 << 10
    limits.unreadBytes = 64 << 10
    let server = try TestServer(.endless(String(repeating: "and ", count: 4000)), limits: limits)
    try await blocking {
      let client = try TestClient(port: server.port, receiveBuffer: 4096)
      try client.send("POST", "/v1/chat/completions", #"{"messages":[{"role":"user","content":"Hi"}],"stream":true}"#)
      try eventually("a cancellation") { server.engine.cancelled > 0 }
    }
  }

  @Test func silenceInAStreamIsBroken() async throws {
    var limits = ServerLimits()
    (limits.pingTime, limits.tick) = (.milliseconds(40), .milliseconds(10))
    let server = try TestServer(.endless(""), limits: limits)
    try await blocking {
      let client = try server.connect()
      try client.send("POST", "/v1/chat/completions", #"{"messages":[{"role":"user","content":"Hi"}],"stream":true}"#)
      _ = try client.read(until: ": ping\n\n")
    }
  }

  @Test func stoppingEndsStreamsWithAnError() async throws {
    let server = try TestServer(.endless(" and"))
    try await blocking {
      let client = try server.connect()
      try client.send("POST", "/v1/chat/completions", #"{"messages":[{"role":"user","content":"Hi"}],"stream":true}"#)
      _ = try client.read(until: " and")
      server.server.stop(within: .milliseconds(50))
      let rest = try client.rest()
      #expect(rest.contains("unavailable_error") && rest.hasSuffix("0\r\n\r\n"))
      #expect(server.engine.cancelled > 0)
    }
  }
}

extension TestClient {
  /// Everything up to the end of the connection.
  func rest() throws -> String { try read(until: "0\r\n\r\n") }
}

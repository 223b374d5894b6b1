import DeRaServer
import NIOHTTP1
import Testing

@Suite struct AccessTests {
  @Test func onlyLocalNamesAreAnswered() async throws {
    let server = try TestServer()
    try await blocking {
      for host in [
        "localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080", "pi.local", "192.168.1.5:8080", "LOCALHOST",
      ] {
        #expect(try server.ask("GET", "/health", headers: ["Host: \(host)"]).status == 200, "\(host)")
      }
      for host in [
        "evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "1.2.3.4.5", "a[::1]",
      ] {
        #expect(try server.ask("GET", "/health", headers: ["Host: \(host)"]).status == 403, "\(host)")
      }
      #expect(try server.ask("GET", "/health", headers: ["Host: localhost", "Host: localhost"]).status == 400)
      let client = try server.connect()
      try client.send("GET /health HTTP/1.1\r\n\r\n")
      #expect(try client.response().status == 400)
      let old = try server.connect()
      try old.send("GET /health HTTP/1.0\r\n\r\n")
      #expect(try old.response().status == 200)
      #expect(try old.isClosed())
    }
  }

  @Test func aKeyIsNeededWhereThereIsOne() async throws {
    var access = Access()
    access.keys = ["first", "second key"]
    let server = try TestServer(access: access)
    try await blocking {
      for header in ["Authorization: Bearer first", "authorization: bearer second key", "X-Api-Key: first"] {
        #expect(try server.ask("GET", "/v1/models", headers: [header]).status == 200, "\(header)")
      }
      for header in [
        "A: b", "Authorization: Bearer firs", "Authorization: Bearer firstt", "Authorization: Basic first",
        "X-Api-Key: ",
      ] {
        let response = try server.ask("GET", "/v1/models", headers: [header])
        #expect(
          response.status == 401 && response.json["error"]?["type"]?.string == "authentication_error", "\(header)")
      }
      #expect(try server.ask("GET", "/health").status == 200)
      #expect(try server.ask("GET", "/").status == 200)
      #expect(try server.ask("GET", "/nothing").status == 401)
      #expect(try server.ask("POST", "/api/chat", "{}").json["error"]?.string?.contains("key") == true)
    }
  }

  @Test func keysAreComparedWhole() {
    var access = Access()
    access.keys = ["aa", ""]
    #expect(access.isKnown("aa"))
    for wrong in ["", "a", "aaa", "aaaa", "ab", "ba"] { #expect(!access.isKnown(wrong) || wrong.isEmpty) }
  }

  @Test func pagesOfOtherSitesAreRefused() async throws {
    var access = Access()
    access.origins = ["https://chat.example"]
    let server = try TestServer(access: access)
    try await blocking {
      for origin in ["http://localhost:3000", "http://127.0.0.1", "https://chat.example"] {
        let response = try server.ask("POST", "/tokenize", #"{"content":"a"}"#, headers: ["Origin: \(origin)"])
        #expect(response.status == 200 && response.headers["access-control-allow-origin"] == origin)
      }
      for origin in ["http://evil.example", "null", "http://localhost.evil.example"] {
        let response = try server.ask("POST", "/tokenize", #"{"content":"a"}"#, headers: ["Origin: \(origin)"])
        #expect(response.status == 403 && response.headers["access-control-allow-origin"] == nil, "\(origin)")
      }
      let asked = try server.ask(
        "OPTIONS", "/v1/chat/completions",
        headers: ["Origin: http://localhost:1", "Access-Control-Request-Headers: x-stainless-os"])
      #expect(asked.status == 200 && asked.headers["access-control-allow-headers"] == "x-stainless-os")
    }
  }
}

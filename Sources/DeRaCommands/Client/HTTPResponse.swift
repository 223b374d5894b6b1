/// An HTTP/1.1 response as its bytes come: the head, then the body, whatever its framing.
package struct HTTPResponse {
  /// Far beyond any head or chunk size that a server writes; guards against something else.
  static let headLimit = 1 << 16
  static let chunkLimit = 1 << 28

  /// A response that is no HTTP.
  package struct Malformed: Error, Equatable {
    package let what: String
  }

  private enum Framing: Equatable {
    /// Bytes that are still to come.
    case length(Int)
    case chunkSize
    case chunk(Int)
    case chunkEnd
    case trailer
    case untilClose
    case complete
  }

  /// nil until the head is there.
  package private(set) var status: Int?
  /// Names in lower case.
  package private(set) var headers: [String: String] = [:]
  private var pending: [UInt8] = []
  private var framing = Framing.untilClose

  package init() {}

  /// Whether nothing more will come.
  package var isComplete: Bool { status != nil && framing == .complete }

  /// Takes bytes and gives those of the body.
  package mutating func append(_ bytes: [UInt8]) throws(Malformed) -> [UInt8] {
    pending += bytes
    while status == nil {
      guard let end = pending.firstEndOfHead else {
        guard pending.count <= Self.headLimit else { throw Malformed(what: "its head has no end") }
        return []
      }
      let head = pending[..<end.start]
      try readHead(String(decoding: head, as: UTF8.self))
      pending.removeFirst(end.next)
    }
    return try body()
  }

  /// The connection has been closed.
  package mutating func end() throws(Malformed) {
    guard status != nil else { throw Malformed(what: pending.isEmpty ? "it said nothing" : "it broke off in its head") }
    guard isComplete || framing == .untilClose else { throw Malformed(what: "it broke off before its end") }
    framing = .complete
  }

  private mutating func readHead(_ text: String) throws(Malformed) {
    var lines = text.split(whereSeparator: \.isNewline)[...]
    let words = lines.popFirst()?.split(separator: " ", maxSplits: 2) ?? []
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let code = Int(words[1]), (100...599).contains(code) else {
      throw Malformed(what: "it does not speak HTTP")
    }
    // What comes before the real response.
    if code < 200 { return }
    status = code
    for line in lines {
      guard let colon = line.firstIndex(of: ":") else { throw Malformed(what: "a header has no colon") }
      let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
      headers[line[..<colon].lowercased()] = String(value)
    }
    if headers["transfer-encoding"]?.lowercased().hasSuffix("chunked") == true {
      framing = .chunkSize
    } else if code == 204 || code == 304 {
      framing = .complete
    } else if let text = headers["content-length"] {
      guard let length = Int(text), length >= 0 else { throw Malformed(what: "its length is '\(text)'") }
      framing = length == 0 ? .complete : .length(length)
    }
  }

  private mutating func body() throws(Malformed) -> [UInt8] {
    var result: [UInt8] = []
    while !pending.isEmpty {
      switch framing {
      case .complete: pending = []
      case .untilClose: take(pending.count, &result)
      case .length(let left):
        let count = take(left, &result)
        framing = count == left ? .complete : .length(left - count)
      case .chunk(let left):
        let count = take(left, &result)
        framing = count == left ? .chunkEnd : .chunk(left - count)
      case .chunkSize:
        guard let line = try line() else { return result }
        guard let size = Int(line.prefix { $0 != ";" && $0 != " " }, radix: 16), (0...Self.chunkLimit).contains(size)
        else { throw Malformed(what: "the size of a chunk is '\(line.prefix(20))'") }
        framing = size == 0 ? .trailer : .chunk(size)
      case .chunkEnd, .trailer:
        guard let line = try line() else { return result }
        if framing == .chunkEnd {
          guard line.isEmpty else { throw Malformed(what: "a chunk is longer than it says") }
          framing = .chunkSize
        } else if line.isEmpty {
          framing = .complete
        }
      }
    }
    return result
  }

  /// Moves up to `count` bytes and says how many.
  @discardableResult
  private mutating func take(_ count: Int, _ result: inout [UInt8]) -> Int {
    let count = min(count, pending.count)
    result += pending[..<count]
    pending.removeFirst(count)
    return count
  }

  /// A line without its end; nil until it is there.
  private mutating func line() throws(Malformed) -> String? {
    guard let end = pending.firstIndex(of: UInt8(ascii: "\n")) else {
      guard pending.count <= Self.headLimit else { throw Malformed(what: "a line has no end") }
      return nil
    }
    let line = pending[..<end].last == UInt8(ascii: "\r") ? pending[..<(end - 1)] : pending[..<end]
    defer { pending.removeFirst(end + 1) }
    return String(decoding: line, as: UTF8.self)
  }
}

extension [UInt8] {
  /// The place of the empty line that ends a head, and the first byte after it.
  fileprivate var firstEndOfHead: (start: Int, next: Int)? {
    let newline = UInt8(ascii: "\n")
    for index in indices where self[index] == newline {
      if index + 1 < count, self[index + 1] == newline { return (index, index + 2) }
      if index + 2 < count, self[index + 1] == UInt8(ascii: "\r"), self[index + 2] == newline {
        return (index, index + 3)
      }
    }
    return nil
  }
}

/// Server-sent events as their bytes come (HTML Living Standard, 9.2.6): the data of each.
package struct EventStream {
  /// Longest line; guards against a stream that is none.
  static let lineLimit = 1 << 26

  private var line: [UInt8] = []
  private var data: [UInt8]?
  private var followsReturn = false

  package init() {}

  /// Takes bytes and gives the data of the events that are complete.
  package mutating func append(_ bytes: [UInt8]) throws(HTTPResponse.Malformed) -> [[UInt8]] {
    var events: [[UInt8]] = []
    for byte in bytes {
      defer { followsReturn = byte == UInt8(ascii: "\r") }
      if byte == UInt8(ascii: "\n") && followsReturn { continue }
      guard byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") else {
        guard line.count < Self.lineLimit else { throw HTTPResponse.Malformed(what: "a line of its stream has no end") }
        line.append(byte)
        continue
      }
      if line.isEmpty, let complete = data.take() {
        events.append(complete)
      } else if line.starts(with: "data:".utf8) {
        let start = line.count > 5 && line[5] == UInt8(ascii: " ") ? 6 : 5
        data = (data.map { $0 + [UInt8(ascii: "\n")] } ?? []) + line[start...]
      }
      line.removeAll(keepingCapacity: true)
    }
    return events
  }
}

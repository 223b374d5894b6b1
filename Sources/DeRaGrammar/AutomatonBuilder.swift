import DeRaJSON

/// A rule: what a value may be.
struct Rule: Sendable {
  var node: Node
  /// An object or array, which counts for the depth.
  var isContainer: Bool
}

/// Turns rules into an automaton.
struct AutomatonBuilder {
  private let rules: [Rule]
  private var states: [Automaton.State] = []
  private var bytes: [(from: Int32, edge: Automaton.ByteEdge)] = []
  private var silent: [(from: Int32, to: Int32)] = []
  /// `[rules]`: first states.
  private var starts: [Int32] = []
  /// First states of helpers that many places call: the characters of strings.
  private var helpers: [Helper: Int32] = [:]

  private enum Helper { case canonicalCharacter, nonASCII, canonicalEscape }

  /// - Parameter root: the index of the rule for the whole answer.
  /// - Throws: `GrammarError.tooLarge`, `.impossible`.
  static func build(_ rules: [Rule], root: Int) throws(GrammarError) -> Automaton {
    var builder = AutomatonBuilder(rules: rules)
    for _ in rules { builder.starts.append(try builder.state()) }
    for (index, rule) in rules.enumerated() {
      try builder.emit(rule.node, builder.starts[index], try builder.end())
    }
    return try Automaton(
      states: builder.states, bytes: builder.bytes, silent: builder.silent, start: builder.starts[root])
  }

  private init(rules: [Rule]) { self.rules = rules }

  private mutating func state(_ state: Automaton.State = .init()) throws(GrammarError) -> Int32 {
    guard states.count < GrammarLimits.states else { throw .tooLarge(what: "states", limit: GrammarLimits.states) }
    states.append(state)
    return Int32(states.count - 1)
  }

  private mutating func end() throws(GrammarError) -> Int32 { try state(.init(kind: .end)) }

  private mutating func edge(_ range: ClosedRange<UInt8>, _ from: Int32, _ to: Int32) {
    bytes.append((from, .init(low: range.lowerBound, high: range.upperBound, target: to)))
  }

  private mutating func emit(_ node: Node, _ from: Int32, _ to: Int32) throws(GrammarError) {
    switch node {
    case .nothing: return
    case .bytes(let bytes): try emit(bytes, from, to)
    case .range(let range): edge(range, from, to)
    case .scalars(let ranges):
      for range in ranges { for bytes in ScalarSet.byteRanges(range) { try emit(ranges: bytes, from, to) } }
    case .literals(let texts): try emit(texts: texts, from, to)
    case .sequence(let nodes):
      var place = from
      for node in nodes.dropLast() {
        let next = try state()
        try emit(node, place, next)
        place = next
      }
      if let last = nodes.last { try emit(last, place, to) } else { silent.append((place, to)) }
    case .choice(let nodes):
      for node in nodes { try emit(node, from, to) }
    case .repeated(let body, let min, let max): try emit(body, min, max, from, to)
    case .rule(let index): try call(starts[index], isContainer: rules[index].isContainer, from, to)
    case .object(let object): try emit(object, from, to)
    }
  }

  private mutating func call(_ rule: Int32, isContainer: Bool = false, _ from: Int32, _ to: Int32) throws(GrammarError)
  {
    silent.append((from, try state(.init(kind: .call, a: rule, b: to, low: isContainer ? 1 : 0))))
  }

  private mutating func emit(_ body: Node, _ min: Int, _ max: Int?, _ from: Int32, _ to: Int32) throws(GrammarError) {
    if case .rule(let index) = body, !rules[index].isContainer {
      return try loop(starts[index], min, max, from, to)
    }
    let start = try state()
    try emit(body, start, try end())
    try loop(start, min, max, from, to)
  }

  private mutating func loop(_ body: Int32, _ min: Int, _ max: Int?, _ from: Int32, _ to: Int32) throws(GrammarError) {
    guard max.map({ min <= $0 }) ?? true else { return }
    let low = Int32(clamping: Swift.min(min, GrammarLimits.repetitions))
    let high = max.map { Int32(clamping: Swift.min($0, GrammarLimits.repetitions)) } ?? -1
    silent.append((from, try state(.init(kind: .loop, a: body, b: to, low: low, high: high))))
  }

  private mutating func emit(_ bytes: [UInt8], _ from: Int32, _ to: Int32) throws(GrammarError) {
    try emit(ranges: bytes.map { $0...$0 }, from, to)
  }

  private mutating func emit(ranges: [ClosedRange<UInt8>], _ from: Int32, _ to: Int32) throws(GrammarError) {
    var place = from
    for range in ranges.dropLast() {
      let next = try state()
      edge(range, place, next)
      place = next
    }
    if let last = ranges.last { edge(last, place, to) } else { silent.append((place, to)) }
  }

  /// Texts with common beginnings share states.
  private mutating func emit(texts: [[UInt8]], _ from: Int32, _ to: Int32) throws(GrammarError) {
    var nodes: [TrieEdge: Int32] = [:]
    for text in Set(texts) {
      var place = from
      for byte in text {
        let edge = TrieEdge(from: place, symbol: UInt32(byte))
        if let next = nodes[edge] {
          place = next
          continue
        }
        let next = try state()
        nodes[edge] = next
        self.edge(byte...byte, place, next)
        place = next
      }
      silent.append((place, to))
    }
  }

  private struct TrieEdge: Hashable {
    var from: Int32
    var symbol: UInt32
  }
}

extension AutomatonBuilder {
  private mutating func helper(_ helper: Helper) throws(GrammarError) -> Int32 {
    if let start = helpers[helper] { return start }
    let start = try state()
    helpers[helper] = start
    let node =
      switch helper {
      case .canonicalCharacter: JSONNodes.canonicalCharacter
      case .nonASCII: JSONNodes.nonASCII
      case .canonicalEscape: JSONNodes.canonicalEscape
      }
    try emit(node, start, try end())
    return start
  }

  /// The properties in turn, each there or not, in one row of states for each count of those that are there; counts
  /// beyond the last that matters share a row. Then the others.
  private mutating func emit(_ object: ObjectNode, _ from: Int32, _ to: Int32) throws(GrammarError) {
    let cap = max(1, object.minCount, object.maxCount ?? 0)
    let rowLimit = min(cap, object.properties.count)
    var rows: [Int32] = []
    for _ in 0...rowLimit { rows.append(try state()) }
    edge(UInt8(ascii: "{")...UInt8(ascii: "{"), from, rows[0])
    let close = try state()
    edge(UInt8(ascii: "}")...UInt8(ascii: "}"), close, to)
    for property in object.properties {
      var next: [Int32] = []
      for _ in rows { next.append(try state()) }
      for count in rows.indices {
        if !property.isRequired { silent.append((rows[count], next[count])) }
        guard count < object.maxCount ?? .max else { continue }
        let key = try state()
        try comma(count > 0, rows[count], key)
        let colon = try state()
        try emit(JSONNodes.constant(.string(property.name)), key, colon)
        try value(property.value, colon, next[min(count + 1, rowLimit)])
      }
      rows = next
    }
    let others = try object.additional.map { value throws(GrammarError) in
      try additional(value, excluded: object.properties.map(\.name))
    }
    for count in rows.indices {
      try finish(object, count: count, others: others, rows[count], close)
    }
  }

  private mutating func finish(
    _ object: ObjectNode, count: Int, others: Int32?, _ from: Int32, _ close: Int32
  ) throws(GrammarError) {
    if count >= object.minCount { silent.append((from, close)) }
    let room = object.maxCount.map { $0 - count }
    guard let others, room ?? 1 > 0 else { return }
    let first = try state()
    let rest = try state()
    try comma(count > 0, from, first)
    try call(others, first, rest)
    let more = try state()
    try comma(true, more, try callToEnd(others))
    try loop(more, max(0, object.minCount - count - 1), room.map { $0 - 1 }, rest, close)
  }

  /// A state that calls a rule and then ends its own.
  private mutating func callToEnd(_ rule: Int32) throws(GrammarError) -> Int32 {
    let place = try state()
    try call(rule, place, try end())
    return place
  }

  private mutating func comma(_ isThere: Bool, _ from: Int32, _ to: Int32) throws(GrammarError) {
    guard isThere else { return silent.append((from, to)) }
    let place = try state()
    edge(UInt8(ascii: ",")...UInt8(ascii: ","), from, place)
    try emit(.space, place, to)
  }

  private mutating func value(_ rule: Int, _ from: Int32, _ to: Int32) throws(GrammarError) {
    let place = try state()
    edge(UInt8(ascii: ":")...UInt8(ascii: ":"), from, place)
    let start = try state()
    try emit(.space, place, start)
    try emit(.rule(rule), start, to)
  }

  /// A property of another name with its value.
  private mutating func additional(_ rule: Int, excluded: [String]) throws(GrammarError) -> Int32 {
    let start = try state()
    let name = try state()
    let colon = try state()
    edge(JSONNodes.quote...JSONNodes.quote, start, name)
    try names(excluded: excluded, name, colon)
    try value(rule, colon, try end())
    return start
  }

  /// Names but these, in canonical spelling, and the quote after them: a trie of the names, left at the first other
  /// character.
  private mutating func names(excluded: [String], _ from: Int32, _ to: Int32) throws(GrammarError) {
    let free = try state()
    let quote = try state()
    edge(JSONNodes.quote...JSONNodes.quote, quote, to)
    try loop(try helper(.canonicalCharacter), 0, nil, free, quote)
    var children: [Int32: [UInt32: Int32]] = [from: [:]]
    var isName: Set<Int32> = []
    for name in excluded {
      var place = from
      for scalar in name.unicodeScalars.map(\.value) {
        if let next = children[place]?[scalar] {
          place = next
          continue
        }
        let next = try state()
        try emit(JSONNodes.spelling(scalar), place, next)
        children[place, default: [:]][scalar] = next
        children[next] = [:]
        place = next
      }
      isName.insert(place)
    }
    for (place, next) in children.sorted(by: { $0.key < $1.key }) {
      if !isName.contains(place) { silent.append((place, quote)) }
      try leave(next.keys.sorted(), place, free)
    }
  }

  /// Any character but these.
  private mutating func leave(_ taken: [UInt32], _ from: Int32, _ to: Int32) throws(GrammarError) {
    let ranges = ScalarSet.union(taken.map { $0...$0 })
    for range in ScalarSet.subtract(ranges, from: ScalarSet.subtract([0x80...0x10ffff], from: JSONNodes.plain)) {
      edge(UInt8(range.lowerBound)...UInt8(range.upperBound), from, to)
    }
    if ranges.contains(where: { $0.upperBound >= 0x80 }) {
      try emit(.scalars(ScalarSet.subtract(ranges, from: [0x80...0x10ffff])), from, to)
    } else {
      try call(try helper(.nonASCII), from, to)
    }
    if taken.contains(where: { ScalarSet.contains($0, JSONNodes.escaped) }) {
      let rest = ScalarSet.subtract(ranges, from: JSONNodes.escaped)
      try emit(JSONNodes.spelled(.scalars(rest)), from, to)
    } else {
      try call(try helper(.canonicalEscape), from, to)
    }
  }
}

/// A grammar as a recursive transition network over bytes: rules call rules, loops count.
///
/// Every state that is kept can be completed within the depth that answers may have, so that nothing ends in a blind
/// alley.
struct Automaton: Sendable {
  enum Kind: UInt8 { case plain, call, loop, end }

  struct ByteEdge {
    var low: UInt8
    var high: UInt8
    var target: Int32
  }

  /// - `call`: `a` is the rule's first state, `b` where the caller goes on, `low` 1 when the rule is an object or array.
  /// - `loop`: `a` is the body's first state, `b` where it goes on; `low` and `high` repetitions, `high` −1 for no bound.
  struct State {
    var kind = Kind.plain
    var a: Int32 = 0
    var b: Int32 = 0
    var low: Int32 = 0
    var high: Int32 = 0
  }

  var states: [State]
  /// `[states + 1]`: where each state's edges begin.
  var byteStarts: [Int32]
  var byteEdges: [ByteEdge]
  var silentStarts: [Int32]
  var silentEdges: [Int32]
  var start: Int32
  /// `[states]`: how many containers deeper a way to the end of the state's rule goes at least; `unreachable` where there
  /// is none within the limit.
  var needs: [UInt8]
  /// `[256]`: bytes that no edge tells apart have one class.
  var classes: [UInt8]
  /// A byte of each class.
  var representatives: [UInt8]

  static let unreachable = UInt8.max

  func bytes(of state: Int32) -> ArraySlice<ByteEdge> {
    byteEdges[Int(byteStarts[Int(state)])..<Int(byteStarts[Int(state) + 1])]
  }

  func silent(of state: Int32) -> ArraySlice<Int32> {
    silentEdges[Int(silentStarts[Int(state)])..<Int(silentStarts[Int(state) + 1])]
  }
}

extension Automaton {
  /// - Throws: `GrammarError.impossible` when no text satisfies the grammar.
  init(
    states: [State], bytes: [(from: Int32, edge: ByteEdge)], silent: [(from: Int32, to: Int32)], start: Int32
  ) throws(GrammarError) {
    self.states = states
    self.start = start
    (byteStarts, byteEdges) = Self.grouped(bytes.map { ($0.from, $0.edge) }, count: states.count)
    (silentStarts, silentEdges) = Self.grouped(silent.map { ($0.from, $0.to) }, count: states.count)
    needs = []
    (classes, representatives) = Self.classes(of: byteEdges)
    needs = leastDepths()
    guard needs[Int(start)] != Self.unreachable else { throw .impossible }
  }

  /// Edges in the order of the states that they leave.
  private static func grouped<Edge>(_ edges: [(Int32, Edge)], count: Int) -> ([Int32], [Edge]) {
    var starts = [Int32](repeating: 0, count: count + 1)
    for (from, _) in edges { starts[Int(from) + 1] += 1 }
    for index in 0..<count { starts[index + 1] += starts[index] }
    var next = starts
    guard var result = edges.first.map({ [Edge](repeating: $0.1, count: edges.count) }) else { return (starts, []) }
    for (from, edge) in edges {
      result[Int(next[Int(from)])] = edge
      next[Int(from)] += 1
    }
    return (starts, result)
  }

  private static func classes(of edges: [ByteEdge]) -> ([UInt8], [UInt8]) {
    var isFirst = [Bool](repeating: false, count: 257)
    isFirst[0] = true
    for edge in edges {
      isFirst[Int(edge.low)] = true
      isFirst[Int(edge.high) + 1] = true
    }
    var classes: [UInt8] = []
    var representatives: [UInt8] = []
    for byte in 0..<256 {
      if isFirst[byte] { representatives.append(UInt8(byte)) }
      classes.append(UInt8(representatives.count - 1))
    }
    return (classes, representatives)
  }

  /// The least solution of the equations in `need(of:_:)`, by a work list over the edges backwards.
  private func leastDepths() -> [UInt8] {
    var backwards: [(Int32, Int32)] = []
    for index in states.indices {
      let from = Int32(index)
      let state = states[index]
      backwards += bytes(of: from).map { ($0.target, from) } + silent(of: from).map { ($0, from) }
      if state.kind == .call || state.kind == .loop { backwards += [(state.a, from), (state.b, from)] }
    }
    let (starts, sources) = Self.grouped(backwards, count: states.count)
    var needs = [UInt8](repeating: Self.unreachable, count: states.count)
    var work = states.indices.filter { states[$0].kind == .end }.map { Int32($0) }
    for state in work { needs[Int(state)] = 0 }
    while let changed = work.popLast() {
      for source in sources[Int(starts[Int(changed)])..<Int(starts[Int(changed) + 1])] {
        let need = need(of: source, needs)
        guard need < needs[Int(source)] else { continue }
        needs[Int(source)] = need
        work.append(source)
      }
    }
    return needs
  }

  private func need(of index: Int32, _ needs: [UInt8]) -> UInt8 {
    let state = states[Int(index)]
    switch state.kind {
    case .end: return 0
    case .plain:
      let targets = bytes(of: index).map { needs[Int($0.target)] } + silent(of: index).map { needs[Int($0)] }
      return targets.min() ?? Self.unreachable
    case .call:
      let inside = needs[Int(state.a)]
      guard inside != Self.unreachable, Int(inside) + Int(state.low) <= GrammarLimits.depth else {
        return Self.unreachable
      }
      return max(inside + UInt8(state.low), needs[Int(state.b)])
    case .loop: return state.low == 0 ? needs[Int(state.b)] : max(needs[Int(state.a)], needs[Int(state.b)])
    }
  }
}

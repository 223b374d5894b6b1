/// The deterministic automaton of a grammar, made as far as it is asked for.
///
/// A state of it is the set of all places where the grammar may be, each with its stack of callers. Stacks are shared
/// and found again, so that the same place in the same containers is the same state.
struct LazyAutomaton {
  /// No text goes on from here.
  static let dead: Int32 = -1
  static let unknown: Int32 = -2
  private static let accepting = UInt64.max

  let automaton: Automaton
  private let classCount: Int
  /// `[states, classes]`: the next state, `dead` or `unknown`.
  private var rows: [Int32] = []
  /// `[states]`: sorted places, each a state and a stack.
  private var places: [[UInt64]] = []
  private var stateOf: [[UInt64]: Int32] = [:]
  private var frames: [Frame] = []
  private var frameOf: [Frame: Int32] = [:]
  /// Places looked at since the last `beginMask`.
  private var work = 0

  private var found: [UInt64] = []
  private var visited: Set<UInt64> = []
  private var open: [UInt64] = []

  /// A caller that waits, and the calls below it.
  private struct Frame: Hashable {
    var parent: Int32
    /// Where it goes on; a loop counts there.
    var target: Int32
    /// Repetitions of a loop that are complete.
    var count: Int32
    /// Containers that are open.
    var depth: Int32
  }

  init(_ automaton: Automaton) {
    self.automaton = automaton
    classCount = automaton.representatives.count
    frames = [Frame(parent: -1, target: -1, count: 0, depth: 0)]
  }

  var count: Int { places.count }

  /// - Throws: `GrammarError.tooAmbiguous`.
  mutating func start() throws(GrammarError) -> Int32 {
    begin()
    open.append(Self.place(automaton.start, 0))
    return try close()
  }

  /// Whether the text may end in a state.
  func mayEnd(_ state: Int32) -> Bool { places[Int(state)].last == Self.accepting }

  /// Whether a state can only end.
  func isFinished(_ state: Int32) -> Bool { places[Int(state)] == [Self.accepting] }

  /// The state after a byte.
  /// - Throws: `GrammarError.tooAmbiguous`.
  @inline(__always)
  mutating func next(_ state: Int32, _ byte: UInt8) throws(GrammarError) -> Int32 {
    let index = Int(state) * classCount + Int(automaton.classes[Int(byte)])
    let next = rows[index]
    if next != Self.unknown { return next }
    let made = try step(state, byte)
    rows[index] = made
    return made
  }

  /// Forgets all states but one when there are many.
  mutating func beginMask(keeping state: Int32) -> Int32 {
    work = 0
    guard places.count > GrammarLimits.cachedStates || frames.count > 4 * GrammarLimits.cachedStates else {
      return state
    }
    let kept = places[Int(state)]
    rows.removeAll(keepingCapacity: true)
    places.removeAll(keepingCapacity: true)
    stateOf.removeAll(keepingCapacity: true)
    // Stacks are few once no state needs the others: they are numbered anew.
    let old = frames
    frames.removeSubrange(1...)
    frameOf.removeAll(keepingCapacity: true)
    var moved: [Int32: Int32] = [0: 0]
    return intern(
      kept.map { $0 == Self.accepting ? $0 : Self.place(Self.state($0), move(Self.frame($0), old, &moved)) }.sorted())
  }

  private mutating func move(_ index: Int32, _ old: [Frame], _ moved: inout [Int32: Int32]) -> Int32 {
    var path: [Int32] = []
    var place = index
    while moved[place] == nil {
      path.append(place)
      place = old[Int(place)].parent
    }
    for place in path.reversed() {
      var frame = old[Int(place)]
      frame.parent = moved[frame.parent] ?? 0
      moved[place] = intern(frame)
    }
    return moved[index] ?? 0
  }

  private static func place(_ state: Int32, _ frame: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: state)) << 32 | UInt64(UInt32(bitPattern: frame))
  }
  private static func state(_ place: UInt64) -> Int32 { Int32(truncatingIfNeeded: place >> 32) }
  private static func frame(_ place: UInt64) -> Int32 { Int32(truncatingIfNeeded: place) }
}

extension LazyAutomaton {
  private mutating func begin() {
    found.removeAll(keepingCapacity: true)
    visited.removeAll(keepingCapacity: true)
    open.removeAll(keepingCapacity: true)
  }

  private mutating func step(_ state: Int32, _ byte: UInt8) throws(GrammarError) -> Int32 {
    begin()
    let current = places[Int(state)]
    work += current.count
    for place in current where place != Self.accepting {
      let frame = Self.frame(place)
      for edge in automaton.bytes(of: Self.state(place)) where edge.low <= byte && byte <= edge.high {
        open.append(Self.place(edge.target, frame))
      }
    }
    return try close()
  }

  /// The state of all places that the open ones lead to without a byte.
  private mutating func close() throws(GrammarError) -> Int32 {
    while let place = open.popLast() {
      let frame = Self.frame(place)
      let index = Self.state(place)
      let need = automaton.needs[Int(index)]
      guard need != Automaton.unreachable, Int(need) + Int(frames[Int(frame)].depth) <= GrammarLimits.depth,
        visited.insert(place).inserted
      else { continue }
      guard visited.count <= GrammarLimits.configurations else {
        throw .tooAmbiguous(limit: GrammarLimits.configurations)
      }
      expand(automaton.states[Int(index)], index, frame)
    }
    work += visited.count
    guard work <= GrammarLimits.work else { throw .tooAmbiguous(limit: GrammarLimits.work) }
    guard places.count < GrammarLimits.cachedStates + GrammarLimits.statesOfMask else {
      throw .tooAmbiguous(limit: GrammarLimits.statesOfMask)
    }
    if found.isEmpty { return Self.dead }
    found.sort()
    return intern(found)
  }

  private mutating func expand(_ state: Automaton.State, _ index: Int32, _ frame: Int32) {
    switch state.kind {
    case .plain:
      if !automaton.bytes(of: index).isEmpty { found.append(Self.place(index, frame)) }
      for target in automaton.silent(of: index) { open.append(Self.place(target, frame)) }
    case .call:
      let depth = frames[Int(frame)].depth + state.low
      let inner = intern(Frame(parent: frame, target: state.b, count: 0, depth: depth))
      open.append(Self.place(state.a, inner))
    case .loop: iterate(state, index, count: 0, frame)
    case .end:
      guard frame != 0 else { return found.append(Self.accepting) }
      let caller = frames[Int(frame)]
      let target = automaton.states[Int(caller.target)]
      // Calls go on at plain states, so that only bodies come back to a loop.
      if target.kind == .loop {
        iterate(target, caller.target, count: caller.count + 1, caller.parent)
      } else {
        open.append(Self.place(caller.target, caller.parent))
      }
    }
  }

  /// Another repetition of a loop's body, or on behind it.
  private mutating func iterate(_ loop: Automaton.State, _ index: Int32, count: Int32, _ frame: Int32) {
    if loop.high < 0 || count < loop.high {
      // Without an upper bound, counts beyond the lower one are alike.
      let counted = loop.high < 0 ? min(count, loop.low) : count
      let inner = intern(Frame(parent: frame, target: index, count: counted, depth: frames[Int(frame)].depth))
      open.append(Self.place(loop.a, inner))
    }
    if count >= loop.low { open.append(Self.place(loop.b, frame)) }
  }

  private mutating func intern(_ frame: Frame) -> Int32 {
    if let index = frameOf[frame] { return index }
    frames.append(frame)
    let index = Int32(frames.count - 1)
    frameOf[frame] = index
    return index
  }

  private mutating func intern(_ set: [UInt64]) -> Int32 {
    if let state = stateOf[set] { return state }
    let state = Int32(places.count)
    places.append(set)
    stateOf[set] = state
    rows.append(contentsOf: repeatElement(Self.unknown, count: classCount))
    return state
  }
}

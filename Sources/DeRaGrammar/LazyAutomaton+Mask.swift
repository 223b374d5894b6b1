extension LazyAutomaton {
  /// Adds the tokens that the grammar takes in a state.
  /// - Parameters:
  ///   - bits: `[vocabulary.wordCount]`, zero.
  ///   - stack: reused memory.
  /// - Throws: `GrammarError.tooAmbiguous`.
  mutating func addTokens(
    _ state: Int32, of vocabulary: GrammarVocabulary, to bits: UnsafeMutableBufferPointer<UInt32>, stack: inout [Int32]
  ) throws(GrammarError) {
    switch try plainReach(of: state) {
    case .characters(let count):
      vocabulary.addPlain(count, to: bits)
      try walk(vocabulary.marked, from: state, bits, &stack)
    case .all:
      vocabulary.addPlain(nil, to: bits)
      try walk(vocabulary.marked, from: state, bits, &stack)
    case .beyondCount:
      vocabulary.addPlain(GrammarVocabulary.countedLength, to: bits)
      try walk(vocabulary.marked, from: state, bits, &stack)
      try walk(vocabulary.long, from: state, bits, &stack)
    case .unclear: try walk(vocabulary.all, from: state, bits, &stack)
    }
  }

  private mutating func walk(
    _ trie: PieceTrie, from state: Int32, _ bits: UnsafeMutableBufferPointer<UInt32>, _ stack: inout [Int32]
  ) throws(GrammarError) {
    if stack.count <= trie.height { stack = [Int32](repeating: Self.dead, count: trie.height + 1) }
    stack[0] = state
    var index = 0
    let count = trie.nodes.count
    while index < count {
      let node = trie.nodes[index]
      let depth = Int(node.depth)
      let reached = try next(stack[depth], node.byte)
      guard reached != Self.dead else {
        index = Int(node.next)
        continue
      }
      stack[depth + 1] = reached
      let first = index == 0 ? 0 : Int(trie.nodes[index - 1].tokenEnd)
      for token in first..<Int(node.tokenEnd) {
        let id = Int(trie.tokens[token])
        bits[id >> 5] |= 1 << UInt32(id & 31)
      }
      index += 1
    }
  }

  /// How far plain characters, whichever they are, can go on from a state.
  private enum PlainReach {
    /// Any so many; not one more.
    case characters(Int)
    case all
    /// Any so many as are counted, perhaps more.
    case beyondCount
    /// It depends on the characters.
    case unclear
  }

  private enum Taken { case all, none, some }

  /// Goes on by whole characters, all of them at once.
  private mutating func plainReach(of state: Int32) throws(GrammarError) -> PlainReach {
    var seen: Set<Int32> = []
    var level: [Int32] = [state]
    for count in 0...GrammarVocabulary.countedLength {
      var takes: Set<Taken> = []
      var next: Set<Int32> = []
      for state in level {
        takes.insert(try takePlain(state, &next))
        if takes.contains(.some) || takes.count > 1 { return .unclear }
      }
      if takes == [.none] { return count == 0 ? .unclear : .characters(count) }
      seen.formUnion(level)
      level = next.subtracting(seen).sorted()
      if level.isEmpty { return .all }
      guard seen.count <= 4 * GrammarVocabulary.countedLength else { return .unclear }
    }
    return .beyondCount
  }

  /// Whether a state takes every plain character, and where they lead.
  private mutating func takePlain(_ state: Int32, _ targets: inout Set<Int32>) throws(GrammarError) -> Taken {
    var takesSome = false
    var refusesSome = false
    for sequence in Self.plainBytes {
      var places: Set<Int32> = [state]
      for range in sequence {
        var further: Set<Int32> = []
        for place in places {
          var last: UInt8?
          for byte in range where last != automaton.classes[Int(byte)] {
            last = automaton.classes[Int(byte)]
            further.insert(try next(place, byte))
          }
        }
        places = further
        if places.remove(Self.dead) != nil { refusesSome = true }
        if refusesSome && (takesSome || !places.isEmpty) { return .some }
      }
      targets.formUnion(places)
      takesSome = takesSome || !places.isEmpty
      if takesSome && refusesSome { return .some }
    }
    return takesSome ? .all : .none
  }

  private static let plainBytes = JSONNodes.plain.flatMap(ScalarSet.byteRanges)
}

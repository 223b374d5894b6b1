/// Byte-pair encoding of one word after another, in O(n log n) for a word of n symbols. Keeps its memory between words.
struct WordMerger {
  private struct Symbol {
    /// −1 once it has become part of the symbol before it.
    var id: Int32
    var previous: Int32
    var next: Int32
  }

  /// A pair that could be joined: `key` is rank, then position, so that the smallest is the best, leftmost first.
  private struct Candidate {
    var key: UInt64
    var result: Int32
  }

  private var symbols: [Symbol] = []
  private var heap: [Candidate] = []

  /// Appends the ids of `word` to `ids`.
  mutating func append(_ word: UnsafeRawBufferPointer, image: TokenizerImage, to ids: inout [Int32]) {
    if image.settings.ignoresMerges, let id = PieceTable.find(word, in: image), image.flags(Int(id)).contains(.text) {
      ids.append(id)
      return
    }
    symbols.removeAll(keepingCapacity: true)
    heap.removeAll(keepingCapacity: true)
    fillSymbols(word, image)
    for index in symbols.indices.dropLast() { addCandidate(at: index, image) }
    while let candidate = popCandidate() { join(candidate, image) }
    for symbol in symbols where symbol.id >= 0 { ids.append(symbol.id) }
  }

  private mutating func addSymbol(_ id: Int32) {
    let index = Int32(symbols.count)
    if index > 0 { symbols[Int(index) - 1].next = index }
    symbols.append(Symbol(id: id, previous: index - 1, next: -1))
  }

  /// The word's bytes or scalars as symbols; what has no piece becomes byte tokens, the unknown token, or nothing.
  private mutating func fillSymbols(_ word: UnsafeRawBufferPointer, _ image: TokenizerImage) {
    let settings = image.settings
    let unknown = settings.namedIDs[0]
    var hasPendingUnknown = false
    var start = 0
    while start < word.count {
      var end = start + 1
      if settings.kind == .sentencePieceBPE { while end < word.count, word[end] & 0xC0 == 0x80 { end += 1 } }
      defer { start = end }
      if let id = symbolID(UnsafeRawBufferPointer(rebasing: word[start..<end]), image) {
        if hasPendingUnknown { addSymbol(unknown) }
        hasPendingUnknown = false
        addSymbol(id)
      } else if settings.fallsBackToBytes, word[start..<end].allSatisfy({ image.byteIDs.i32(Int($0), 0) >= 0 }) {
        for byte in word[start..<end] { addSymbol(image.byteIDs.i32(Int(byte), 0)) }
      } else if unknown >= 0 {
        if hasPendingUnknown && !settings.fusesUnknown { addSymbol(unknown) }
        hasPendingUnknown = true
      }
    }
    if hasPendingUnknown { addSymbol(unknown) }
  }

  @inline(__always)
  private func symbolID(_ unit: UnsafeRawBufferPointer, _ image: TokenizerImage) -> Int32? {
    if image.settings.kind == .byteLevelBPE {
      let id = image.byteIDs.i32(Int(unit[0]), 0)
      return id < 0 ? nil : id
    }
    guard let id = PieceTable.find(unit, in: image), image.flags(Int(id)).contains(.text) else { return nil }
    return id
  }

  private mutating func addCandidate(at index: Int, _ image: TokenizerImage) {
    let next = symbols[index].next
    guard next >= 0,
      let merge = MergeTable.find(symbols[index].id, symbols[Int(next)].id, in: image.mergeTable)
    else { return }
    push(Candidate(key: UInt64(merge.rank) << 32 | UInt64(index), result: merge.result))
  }

  /// Joins a pair if it is still there: earlier merges may have changed either side.
  private mutating func join(_ candidate: Candidate, _ image: TokenizerImage) {
    let index = Int(candidate.key & 0xFFFF_FFFF)
    let next = Int(symbols[index].next)
    guard symbols[index].id >= 0, next >= 0,
      let merge = MergeTable.find(symbols[index].id, symbols[next].id, in: image.mergeTable),
      merge.result == candidate.result
    else { return }
    symbols[index].id = merge.result
    symbols[next].id = -1
    symbols[index].next = symbols[next].next
    if symbols[index].next >= 0 {
      symbols[Int(symbols[index].next)].previous = Int32(index)
      addCandidate(at: index, image)
    }
    if symbols[index].previous >= 0 { addCandidate(at: Int(symbols[index].previous), image) }
  }

  private mutating func push(_ candidate: Candidate) {
    var child = heap.count
    heap.append(candidate)
    while child > 0 {
      let parent = (child - 1) / 2
      guard candidate.key < heap[parent].key else { break }
      heap[child] = heap[parent]
      child = parent
    }
    heap[child] = candidate
  }

  private mutating func popCandidate() -> Candidate? {
    guard let best = heap.first, let last = heap.popLast() else { return nil }
    guard !heap.isEmpty else { return best }
    var parent = 0
    while 2 * parent + 1 < heap.count {
      var child = 2 * parent + 1
      if child + 1 < heap.count && heap[child + 1].key < heap[child].key { child += 1 }
      guard heap[child].key < last.key else { break }
      heap[parent] = heap[child]
      parent = child
    }
    heap[parent] = last
    return best
  }
}

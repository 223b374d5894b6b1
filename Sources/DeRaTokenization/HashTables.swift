// Open addressing with linear probing at two thirds full: one or two cache lines a look-up.

/// Neighbouring slots in use at most, which is how far a search can go. Honest tables of millions have some hundred; a made
/// one could send every search through all of it.
let maximumProbes = 4096

/// Counts the slots in use that follow each other while a table is checked.
struct ProbeCounter {
  private var run = 0
  private var firstRun: Int?
  private(set) var longest = 0

  mutating func add(isUsed: Bool) {
    if isUsed {
      run += 1
    } else {
      if firstRun == nil { firstRun = run }
      run = 0
    }
    longest = max(longest, run)
  }

  /// A run at the end goes on at the start.
  mutating func finish() { longest = max(longest, run + (firstRun ?? 0)) }
}

private func crowded() -> TokenizerError {
  .invalidDefinition("more than \(maximumProbes) of its entries share one place of a hash table")
}

/// Slots for `entries` entries; at least one stays empty, which ends every search.
private func slotCount(_ entries: Int) -> Int { entries + entries / 2 + 1 }

/// Spreads a 32-bit hash over `slots`.
@inline(__always)
private func slot(_ hash: UInt32, of slots: Int) -> Int { Int((UInt64(hash) &* UInt64(slots)) &>> 32) }

/// Pieces by their bytes.
enum PieceTable {
  @inline(__always)
  private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    // FNV-1a, with a final mix because the slot is taken from the upper bits.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return UInt32(truncatingIfNeeded: (hash &* 0x9E37_79B9_7F4A_7C15) &>> 32)
  }

  /// - Parameter entries: in order of precedence: of equal pieces the first wins.
  /// - Throws: `TokenizerError.invalidDefinition` when too many share a place.
  static func encode(_ entries: [(id: Int32, bytes: [UInt8])]) throws(TokenizerError) -> [UInt8] {
    var slots = [Int32](repeating: -1, count: slotCount(entries.count))
    for (index, entry) in entries.enumerated() {
      var place = entry.bytes.withUnsafeBytes { slot(hash($0), of: slots.count) }
      var probes = 0
      while slots[place] >= 0, entries[Int(slots[place])].bytes != entry.bytes {
        place = (place + 1) % slots.count
        probes += 1
        guard probes < maximumProbes else { throw crowded() }
      }
      if slots[place] < 0 { slots[place] = Int32(index) }
    }
    var image: [UInt8] = []
    image.reserveCapacity(4 * slots.count)
    for index in slots { image.append(littleEndian: index < 0 ? 0 : UInt32(entries[Int(index)].id + 1)) }
    return image
  }

  @inline(__always)
  static func find(_ bytes: UnsafeRawBufferPointer, in image: TokenizerImage) -> Int32? {
    let table = image.pieceTable
    var place = slot(hash(bytes), of: table.count)
    for _ in 0...maximumProbes {
      let entry = table.u32(place, 0)
      if entry == 0 { break }
      if image.piece(Int(entry - 1)).elementsEqual(bytes) { return Int32(bitPattern: entry - 1) }
      place += 1
      if place == table.count { place = 0 }
    }
    return nil
  }
}

/// Merges by their two parts.
enum MergeTable {
  @inline(__always)
  private static func hash(_ left: Int32, _ right: Int32) -> UInt32 {
    let key = UInt64(UInt32(bitPattern: left)) &<< 32 | UInt64(UInt32(bitPattern: right))
    let mixed = (key ^ (key &>> 29)) &* 0x9E37_79B9_7F4A_7C15
    return UInt32(truncatingIfNeeded: mixed &>> 32)
  }

  /// - Parameter merges: in order of rank. Of equal pairs the last wins, as where a dictionary is filled in order.
  /// - Throws: `TokenizerError.invalidDefinition` when too many share a place.
  static func encode(_ merges: [TokenizerDefinition.Merge]) throws(TokenizerError) -> [UInt8] {
    let slots = slotCount(merges.count)
    var ranks = [Int32](repeating: -1, count: slots)
    for (rank, merge) in merges.enumerated() {
      var place = slot(hash(merge.left, merge.right), of: slots)
      var probes = 0
      while ranks[place] >= 0 {
        probes += 1
        guard probes < maximumProbes else { throw crowded() }
        let other = merges[Int(ranks[place])]
        if other.left == merge.left && other.right == merge.right { break }
        place = (place + 1) % slots
      }
      ranks[place] = Int32(rank)
    }
    var image: [UInt8] = []
    image.reserveCapacity(16 * slots)
    for rank in ranks {
      let merge = rank < 0 ? TokenizerDefinition.Merge(left: 0, right: 0, result: -1) : merges[Int(rank)]
      image.append(littleEndian: merge.left)
      image.append(littleEndian: merge.right)
      image.append(littleEndian: max(rank, 0))
      image.append(littleEndian: merge.result + 1)
    }
    return image
  }

  /// Rank (lower is sooner) and result of joining two symbols.
  @inline(__always)
  static func find(_ left: Int32, _ right: Int32, in table: ImageTable) -> (rank: UInt32, result: Int32)? {
    var place = slot(hash(left, right), of: table.count)
    for _ in 0...maximumProbes {
      let result = table.u32(place, 12)
      if result == 0 { break }
      if table.i32(place, 0) == left && table.i32(place, 4) == right {
        return (table.u32(place, 8), Int32(bitPattern: result - 1))
      }
      place += 1
      if place == table.count { place = 0 }
    }
    return nil
  }
}

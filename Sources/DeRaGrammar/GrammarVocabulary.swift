/// The texts of a tokenizer's tokens, arranged for masks; made once for a tokenizer and shared.
///
/// Most tokens are *plain*: whole characters that stand in a JSON string as they are. Where a string is free, all plain
/// tokens of so many characters are allowed, and only the few others are looked at.
package final class GrammarVocabulary: Sendable {
  /// Ids are below this.
  package let size: Int
  /// Words of 32 tokens in a mask.
  package var wordCount: Int { (size + 31) / 32 }

  let all: PieceTrie
  /// Tokens that are not plain.
  let marked: PieceTrie
  /// Plain tokens of more than `countedLength` characters.
  let long: PieceTrie
  /// `[countedLength + 2, wordCount]`: plain tokens of at most so many characters, the last row all of them.
  private let plainMasks: [UInt32]
  /// `[size + 1]` and the bytes of the tokens one after another; empty for tokens without text.
  private let starts: [Int32]
  private let bytes: [UInt8]

  static let countedLength = 24

  /// - Parameters:
  ///   - size: number of ids.
  ///   - text: the bytes that an id adds to an answer; nil or empty when it never stands for text, as special tokens.
  package init(size: Int, text: (Int32) -> [UInt8]?) {
    self.size = size
    var starts: [Int32] = [0]
    var bytes: [UInt8] = []
    starts.reserveCapacity(size + 1)
    for id in 0..<Int32(size) {
      if let text = text(id), text.count <= Int(UInt16.max) { bytes += text }
      starts.append(Int32(bytes.count))
    }
    let sorted = Self.sorted(starts, bytes)
    let lengths = sorted.map { Self.plainLength(bytes[Int(starts[Int($0)])..<Int(starts[Int($0) + 1])]) }
    func trie(_ isIncluded: (Int?) -> Bool) -> PieceTrie {
      let ids = zip(sorted, lengths).filter { isIncluded($0.1) }.map(\.0)
      return PieceTrie(ids.lazy.map { (bytes[Int(starts[Int($0)])..<Int(starts[Int($0) + 1])], $0) })
    }
    all = trie { _ in true }
    marked = trie { $0 == nil }
    long = trie { $0 ?? 0 > Self.countedLength }
    let words = (size + 31) / 32
    var masks = [UInt32](repeating: 0, count: (Self.countedLength + 2) * words)
    for (id, length) in zip(sorted, lengths) {
      guard let length else { continue }
      for row in min(length, Self.countedLength + 1)...(Self.countedLength + 1) {
        masks[row * words + Int(id) / 32] |= 1 << UInt32(id % 32)
      }
    }
    plainMasks = masks
    self.starts = starts
    self.bytes = bytes
  }

  /// The bytes of a token; empty for ids without text.
  func text(of id: Int32) -> ArraySlice<UInt8> {
    id >= 0 && Int(id) < size ? bytes[Int(starts[Int(id)])..<Int(starts[Int(id) + 1])] : []
  }

  /// Adds the plain tokens of at most `length` characters; nil is all of them.
  func addPlain(_ length: Int?, to bits: UnsafeMutableBufferPointer<UInt32>) {
    let row = min(length ?? .max, Self.countedLength + 1) * wordCount
    for word in 0..<wordCount { bits[word] |= plainMasks[row + word] }
  }

  /// Ids with text in the order of their bytes. Their first eight bytes decide nearly always.
  private static func sorted(_ starts: [Int32], _ bytes: [UInt8]) -> [Int32] {
    let ids = starts.indices.dropLast().filter { starts[$0] < starts[$0 + 1] }
    let keyed = ids.map { id in
      var key: UInt64 = 0
      for index in 0..<8 {
        let place = Int(starts[id]) + index
        key = key << 8 | (place < Int(starts[id + 1]) ? UInt64(bytes[place]) : 0)
      }
      return (key: key, id: Int32(id))
    }
    return keyed.sorted { left, right in
      if left.key != right.key { return left.key < right.key }
      return bytes[Int(starts[Int(left.id)])..<Int(starts[Int(left.id) + 1])].lexicographicallyPrecedes(
        bytes[Int(starts[Int(right.id)])..<Int(starts[Int(right.id) + 1])])
    }.map(\.id)
  }

  /// Characters of a plain token; nil for others.
  private static func plainLength(_ bytes: ArraySlice<UInt8>) -> Int? {
    if bytes.contains(where: { $0 < 0x20 || $0 == JSONNodes.quote || $0 == JSONNodes.backslash }) { return nil }
    return String(validating: bytes, as: UTF8.self)?.unicodeScalars.count
  }
}

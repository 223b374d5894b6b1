/// Finds added tokens in text: a trie over bytes, flat, in breadth-first order.
///
/// A node is 12 bytes: first child `u32`, children `u16`, its byte `u8`, a zero byte, token index + 1 `u32`. Children of
/// a node are neighbours, ordered by byte, and come after it, so that no walk can run in circles.
struct AddedTokenTrie {
  static let nodeBytes = 12

  /// The nodes for some contents; of equal contents the first wins.
  /// - Parameter entries: content and token index.
  static func encode(_ entries: [(content: [UInt8], index: Int)]) -> [UInt8] {
    var sorted = entries.enumerated().filter { !$0.element.content.isEmpty }
      .sorted { left, right in
        left.element.content == right.element.content
          ? left.offset < right.offset : left.element.content.lexicographicallyPrecedes(right.element.content)
      }
      .map(\.element)
    guard !sorted.isEmpty else { return [] }
    var last: [UInt8]?
    sorted.removeAll { entry in
      defer { last = entry.content }
      return entry.content == last
    }
    var queue: [(range: Range<Int>, depth: Int, byte: UInt8)] = [(sorted.indices, 0, 0)]
    var image: [UInt8] = []
    var head = 0
    while head < queue.count {
      var (range, depth, byte) = queue[head]
      head += 1
      var token: UInt32 = 0
      if sorted[range.lowerBound].content.count == depth {
        token = UInt32(sorted[range.lowerBound].index + 1)
        range = (range.lowerBound + 1)..<range.upperBound
      }
      let firstChild = queue.count
      while let start = range.first {
        let childByte = sorted[start].content[depth]
        let end = range.first { sorted[$0].content[depth] != childByte } ?? range.upperBound
        queue.append((start..<end, depth + 1, childByte))
        range = end..<range.upperBound
      }
      image.append(littleEndian: UInt32(firstChild))
      image.append(littleEndian: UInt16(queue.count - firstChild))
      image += [byte, 0]
      image.append(littleEndian: token)
    }
    return image
  }

  /// Nodes; checked by `validate`.
  let nodes: ImageTable

  /// Bytes of the longest content: what a search at one place may cost. Twice what a definition may have, because
  /// normalisation may lengthen it.
  static let maximumDepth = 2 * TokenizerDefinition.maximumAddedTokenBytes

  /// Checks that the nodes are a tree in breadth-first order and not too deep.
  /// - Throws: `TokenizerError.damagedImage`.
  func validate(tokens: Int) throws(TokenizerError) {
    var nextChild = 1
    var levelEnd = 1
    var depth = 0
    for node in 0..<nodes.count {
      if node == levelEnd {
        depth += 1
        levelEnd = nextChild
        guard depth <= Self.maximumDepth else {
          throw nodes.damaged(at: node, "an added token of \(depth) bytes", "at most \(Self.maximumDepth)")
        }
      }
      let children = childCount(node)
      guard node < nextChild, children == 0 || firstChild(node) == nextChild, nextChild + children <= nodes.count else {
        let found = "children \(firstChild(node))..<\(firstChild(node) + children)"
        throw nodes.damaged(at: node, found, "children from \(nextChild) within \(nodes.count) nodes")
      }
      nextChild += children
      guard token(node) <= tokens else {
        throw nodes.damaged(at: node, "added token \(token(node) - 1)", "one of \(tokens)")
      }
    }
  }

  private func firstChild(_ node: Int) -> Int { Int(nodes.u32(node, 0)) }
  private func childCount(_ node: Int) -> Int { Int(nodes.u16(node, 4)) }
  private func byte(_ node: Int) -> UInt8 { nodes.u8(node, 6) }
  private func token(_ node: Int) -> Int { Int(nodes.u32(node, 8)) }

  /// The longest content that starts at `start`.
  func longestMatch(in text: UnsafeRawBufferPointer, at start: Int) -> (index: Int, end: Int)? {
    guard nodes.count > 0 else { return nil }
    var node = 0
    var position = start
    var best: (index: Int, end: Int)?
    while position < text.count, let next = child(of: node, byte: text[position]) {
      node = next
      position += 1
      if token(node) > 0 { best = (token(node) - 1, position) }
    }
    return best
  }

  private func child(of node: Int, byte wanted: UInt8) -> Int? {
    var low = firstChild(node)
    var high = low + childCount(node)
    while low < high {
      let middle = (low + high) / 2
      if byte(middle) < wanted { low = middle + 1 } else { high = middle }
    }
    return low < firstChild(node) + childCount(node) && byte(low) == wanted ? low : nil
  }
}

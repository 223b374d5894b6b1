/// The texts of tokens as a trie of bytes, its nodes in depth-first order: a walk goes through memory from front to back
/// and skips what is below a byte that is refused.
struct PieceTrie: Sendable {
  struct Node: Sendable {
    var byte: UInt8
    /// Bytes before this one in its tokens.
    var depth: UInt16
    /// The node behind all nodes below this one.
    var next: Int32
    /// Where the node's tokens end in `tokens`; they begin where the node before ends.
    var tokenEnd: Int32
  }

  private(set) var nodes: [Node] = []
  private(set) var tokens: [Int32] = []
  /// Bytes of the longest token.
  private(set) var height = 0

  /// - Parameter pieces: not empty, at most 65,535 bytes each, in byte order.
  init(_ pieces: some Sequence<(bytes: ArraySlice<UInt8>, id: Int32)>) {
    var path: [Int] = []
    var last: ArraySlice<UInt8> = []
    for piece in pieces {
      let common = zip(last, piece.bytes).prefix { $0 == $1 }.count
      while path.count > common { nodes[path.removeLast()].next = Int32(nodes.count) }
      for byte in piece.bytes.dropFirst(common) {
        path.append(nodes.count)
        let depth = UInt16(path.count - 1)
        nodes.append(Node(byte: byte, depth: depth, next: 0, tokenEnd: Int32(tokens.count)))
      }
      tokens.append(piece.id)
      nodes[nodes.count - 1].tokenEnd = Int32(tokens.count)
      height = max(height, piece.bytes.count)
      last = piece.bytes
    }
    while let node = path.popLast() { nodes[node].next = Int32(nodes.count) }
  }
}

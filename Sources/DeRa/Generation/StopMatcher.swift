/// Finds stop strings in text that arrives in pieces, and holds back what may turn out to be the start of one.
///
/// The first stop string to be complete ends the text, so the result does not depend on how the text was cut.
package struct StopMatcher {
  private let stops: [[UInt8]]
  private var pending: [UInt8] = []
  /// A stop string was found; nothing more will be let through.
  package private(set) var isMatched = false

  /// Empty strings are ignored.
  package init(_ stops: [String]) { self.stops = stops.map { Array($0.utf8) }.filter { !$0.isEmpty } }

  /// Takes more text and returns what can be shown for certain.
  package mutating func append(_ text: String) -> String {
    guard !isMatched else { return "" }
    guard !stops.isEmpty else { return text }
    pending += text.utf8
    for end in 1..<max(pending.count + 1, 1) {
      let matches = stops.filter { pending[..<end].ends(with: $0) }
      if let longest = matches.map(\.count).max() {
        isMatched = true
        return release(end - longest)
      }
    }
    return release(pending.count - heldCount)
  }

  /// The text held back, at the end of the answer.
  package mutating func finish() -> String { isMatched ? "" : release(pending.count) }

  /// Length of the longest end of `pending` that starts a stop string.
  private var heldCount: Int {
    stops.map { stop in
      (0...min(stop.count - 1, pending.count)).last { pending.suffix($0).elementsEqual(stop.prefix($0)) } ?? 0
    }.max() ?? 0
  }

  private mutating func release(_ count: Int) -> String {
    defer { pending.removeFirst(count) }
    return String(decoding: pending.prefix(count), as: UTF8.self)
  }
}

extension BidirectionalCollection where Element == UInt8 {
  fileprivate func ends(with suffix: [UInt8]) -> Bool { self.suffix(suffix.count).elementsEqual(suffix) }
}

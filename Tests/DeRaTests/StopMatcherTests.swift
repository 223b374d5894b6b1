import DeRa
import Testing

@Suite struct StopMatcherTests {
  private func run(_ stops: [String], _ pieces: [String]) -> (shown: [String], isMatched: Bool) {
    var matcher = StopMatcher(stops)
    var shown = pieces.map { matcher.append($0) }
    shown.append(matcher.finish())
    return (shown, matcher.isMatched)
  }

  @Test func holdsBackWhatMayBecomeAStopString() {
    let result = run(["END"], ["a E", "N", "x E", "ND tail"])
    #expect(result.shown == ["a ", "", "ENx ", "", ""])
    #expect(result.isMatched)
  }

  @Test func releasesTheRestAtTheEnd() {
    let result = run(["</s>", "\n\n"], ["one\n", "two</", "s"])
    #expect(result.shown == ["one", "\ntwo", "", "</s"])
    #expect(!result.isMatched)
  }

  @Test func theFirstToBeCompleteWins() {
    #expect(run(["abcd", "bc"], ["xabcd"]).shown.joined() == "xa")
    #expect(run(["b", "abc", "ab"], ["xabc"]).shown.joined() == "x")
  }

  @Test func selfOverlappingStops() {
    #expect(run(["aab"], ["aa", "a", "b"]).shown == ["", "a", "", ""])
  }

  @Test func withoutStopsTextPassesUnchanged() {
    #expect(run([], ["é", "", "👍🏽"]).shown == ["é", "", "👍🏽", ""])
  }

  /// However the text is cut, the same is shown.
  @Test func cuttingTheTextChangesNothing() {
    var generator = RandomGenerator(seed: 11)
    let alphabet: [Character] = ["a", "b", "é", "👍"]
    for _ in 0..<500 {
      func word(_ length: Int) -> String {
        String((0..<length).map { _ in alphabet.randomElement(using: &generator)! })
      }
      let stops = (0..<3).map { _ in word(Int.random(in: 1...3, using: &generator)) }
      let text = word(20)
      var pieces: [String] = []
      var rest = text[...]
      while !rest.isEmpty {
        let count = Int.random(in: 0...4, using: &generator)
        pieces.append(String(rest.prefix(count)))
        rest = rest.dropFirst(count)
      }
      let whole = run(stops, [text])
      let cut = run(stops, pieces)
      #expect(cut.shown.joined() == whole.shown.joined(), "\(stops) in \(pieces)")
      #expect(cut.isMatched == whole.isMatched)
      #expect(stops.allSatisfy { !whole.shown.joined().contains($0) })
    }
  }
}

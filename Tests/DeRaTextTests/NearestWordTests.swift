import DeRaText
import Testing

@Suite struct NearestWordTests {
  private static let commands = ["run", "chat", "inspect", "sweep", "score", "tokenize", "detokenize"]

  @Test(
    arguments: [
      ("rum", "run"), ("nur", nil), ("chta", "chat"), ("inspcet", "inspect"), ("detokenise", "detokenize"),
      ("RUN", "run"), ("model.dera", nil), ("", nil), ("x", nil), ("sweeps", "sweep"),
    ] as [(String, String?)]) func nearest(word: String, expected: String?)
  {
    #expect(nearestWord(to: word, among: Self.commands) == expected)
  }

  @Test(arguments: [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("ab", "ba", 1), ("abc", "ca", 3)])
  func distances(left: String, right: String, expected: Int) {
    #expect(editDistance(left, right) == expected && editDistance(right, left) == expected)
  }
}

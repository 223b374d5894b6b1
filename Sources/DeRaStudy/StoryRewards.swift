/// The rewards that the embedded models were aligned with: exact functions of a story's text, as in
/// tools/train_pair/rewards.py.
package enum StoryReward: String, Sendable, CaseIterable {
  /// −max(words, 20) / 100
  case brief
  /// (h − s) / (h + s + 1), with h happy and s sad words.
  case happy

  private static let happyWords: Set<String> = [
    "happy", "happier", "happiest", "happily", "smile", "smiled", "smiles", "laugh", "laughed", "laughter", "hug",
    "hugged", "glad", "proud", "cheered", "joy", "danced", "wonderful",
  ]
  private static let sadWords: Set<String> = [
    "sad", "sadder", "saddest", "sadly", "cry", "cried", "tear", "tears", "lonely", "alone", "sigh", "sighed", "sighs",
    "sorry",
  ]

  package func callAsFunction(_ story: String) -> Double {
    switch self {
    case .brief: return -Double(max(wordCount(story), 20)) / 100
    case .happy:
      let words = story.lowercased().split { !("a"..."z").contains($0) }.map(String.init)
      let (good, bad) = (words.count(where: Self.happyWords.contains), words.count(where: Self.sadWords.contains))
      return Double(good - bad) / Double(good + bad + 1)
    }
  }
}

/// Words separated by white space.
package func wordCount(_ story: String) -> Int { story.split(whereSeparator: \.isWhitespace).count }

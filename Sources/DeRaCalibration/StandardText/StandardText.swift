/// The text `default`, written for this purpose: the statistics of a model's inputs need all kinds of text that it may meet,
/// not much of any. Some 44 kB: a quarter conversations, a fifth each prose, other languages and programs, the rest documents.
package enum StandardText {
  /// Kinds of passages; every fourth of each kind is held out.
  package static let kinds: [[CalibrationText.Passage]] = [
    plain(prose), plain(documents), plain(languages), plain(code), conversations.map { .conversation($0) },
  ]

  private static func plain(_ passages: [String]) -> [CalibrationText.Passage] {
    passages.map { .text(Array("\($0)\n\n".utf8)) }
  }
}

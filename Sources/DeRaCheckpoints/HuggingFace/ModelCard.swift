/// The front matter of a model's README, the lines between the first two `---`: YAML of which only plain lists are
/// read.
package enum ModelCard {
  private static let fileName = "README.md"
  private static let byteLimit = 1 << 20
  private static let lineLimit = 1000

  /// The tags of the model in a directory; none where there is no card, or one that cannot be read: it is only a remark.
  static func tags(directory: String) -> [String] {
    let path = "\(directory)/\(fileName)"
    guard CheckpointFile.exists(path), let text = try? CheckpointFile.text(path, limit: byteLimit) else { return [] }
    return tags(of: text)
  }

  /// `tags:` followed by lines `- name`, or `tags: [one, two]`.
  package static func tags(of text: String) -> [String] {
    let lines = text.split(maxSplits: lineLimit, omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .map(trimmed)
    guard lines.first == "---", let end = lines.dropFirst().firstIndex(of: "---") else { return [] }
    let matter = lines[1..<end]
    guard let start = matter.firstIndex(where: { $0.hasPrefix("tags:") }) else { return [] }
    let inline = trimmed(matter[start].dropFirst("tags:".count))
    if inline.hasPrefix("[") {
      return inline.split(whereSeparator: { "[],".contains($0) }).map { plain($0) }.filter { !$0.isEmpty }
    }
    return matter[(start + 1)...].prefix { $0.hasPrefix("-") }.map { plain($0.dropFirst()) }
  }

  private static func trimmed(_ text: Substring) -> Substring {
    let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
    let rest = text.drop(while: isBlank)
    return rest[..<(rest.lastIndex { !isBlank($0) }.map { rest.index(after: $0) } ?? rest.startIndex)]
  }

  private static func plain(_ text: Substring) -> String {
    trimmed(text).filter { $0 != "\"" && $0 != "'" }.lowercased()
  }
}

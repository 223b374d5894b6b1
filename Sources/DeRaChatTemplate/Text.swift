/// A template's string: code points, because Python's strings count, compare and slice by code point.
typealias Text = [TextScalar]

extension Text {
  init(_ string: String) { self = string.unicodeScalars.map { TextScalar($0) } }

  /// A text of the conversation.
  init(content string: String) { self = string.unicodeScalars.map { TextScalar($0, isContent: true) } }

  var string: String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: lazy.map(\.scalar))
    return String(view)
  }

  /// Lines ended by `\r\n`, `\r` or `\n` become lines ended by `\n`.
  func normalizingNewlines() -> Text {
    guard contains("\r") else { return self }
    var result = Text()
    result.reserveCapacity(count)
    var previous: TextScalar?
    for scalar in self {
      if scalar == "\r" {
        result.append("\n")
      } else if !(scalar == "\n" && previous == "\r") {
        result.append(scalar)
      }
      previous = scalar
    }
    return result
  }

  func hasPrefix(_ prefix: Text, at position: Int = 0) -> Bool {
    position >= 0 && position + prefix.count <= count && self[position..<position + prefix.count].elementsEqual(prefix)
  }

  /// The first place at or after `start` where `needle` occurs.
  func find(_ needle: Text, from start: Int = 0, _ meter: Meter) throws(TemplateError) -> Int? {
    var position = start
    while position + needle.count <= count {
      var matched = 0
      while matched < needle.count, self[position + matched] == needle[matched] { matched += 1 }
      try meter.touch(matched + 1)
      if matched == needle.count { return position }
      position += 1
    }
    return nil
  }

  /// The last place where `needle` occurs.
  func findLast(_ needle: Text, _ meter: Meter) throws(TemplateError) -> Int? {
    let found = try Text(reversed()).find(Text(needle.reversed()), meter)
    return found.map { count - needle.count - $0 }
  }

  /// The text without the leading and trailing characters that are in `characters` (white space when `nil`).
  func stripped(_ characters: Text?, leading: Bool = true, trailing: Bool = true) -> Text {
    func drops(_ scalar: TextScalar) -> Bool {
      dropped?.contains(scalar) ?? scalar.isPythonSpace
    }
    let dropped = characters.map(Set.init)
    var start = 0
    var end = count
    if leading { while start < end, drops(self[start]) { start += 1 } }
    if trailing { while end > start, drops(self[end - 1]) { end -= 1 } }
    return Text(self[start..<end])
  }

  /// The text with at most `limit` occurrences of `old` replaced, from the left; an empty `old` stands between all characters.
  func replacing(_ old: Text, with new: Text, limit: Int?, _ meter: Meter) throws(TemplateError) -> Text {
    var result = Text()
    var position = 0
    var left = limit ?? .max
    while left > 0, let match = try find(old, from: position, meter) {
      let copied = old.isEmpty ? Swift.min(match + 1, count) : match
      try meter.allocate(copied - position + new.count)
      if old.isEmpty {
        result += new + self[position..<copied]
        if position == count { return result }
        position = copied
      } else {
        result += self[position..<copied] + new
        position = match + old.count
      }
      left -= 1
    }
    try meter.allocate(count - position)
    return result + self[position...]
  }
}

// Splitting.
extension Text {
  /// Pieces between runs of white space; after `limit` splits the rest is one piece.
  func splitAtSpaces(limit: Int, _ meter: Meter) throws(TemplateError) -> [Text] {
    var pieces: [Text] = []
    var position = 0
    while let start = self[position...].firstIndex(where: { !$0.isPythonSpace }) {
      let end = self[start...].firstIndex(where: \.isPythonSpace) ?? count
      position = pieces.count < limit ? end : count
      try meter.allocate(objects: 1, characters: position - start)
      pieces.append(Text(self[start..<position]))
    }
    return pieces
  }

  func split(at separator: Text, limit: Int, _ meter: Meter) throws(TemplateError) -> [Text] {
    var pieces: [Text] = []
    var position = 0
    while pieces.count < limit, let match = try find(separator, from: position, meter) {
      try meter.allocate(objects: 1, characters: match - position)
      pieces.append(Text(self[position..<match]))
      position = match + separator.count
    }
    try meter.allocate(objects: 1, characters: count - position)
    pieces.append(Text(self[position...]))
    return pieces
  }

  /// Lines without their ends, by Python's set of line boundaries.
  func lines(keepingEnds: Bool = false, _ meter: Meter) throws(TemplateError) -> [Text] {
    var lines: [Text] = []
    var start = 0
    var position = 0
    while position < count {
      guard self[position].isPythonLineEnd else {
        position += 1
        continue
      }
      let end = position
      position += self[end] == "\r" && position + 1 < count && self[position + 1] == "\n" ? 2 : 1
      try meter.allocate(objects: 1, characters: position - start)
      lines.append(Text(self[start..<(keepingEnds ? position : end)]))
      start = position
    }
    try meter.allocate(objects: 1, characters: count - start)
    if start < count { lines.append(Text(self[start...])) }
    return lines
  }
}

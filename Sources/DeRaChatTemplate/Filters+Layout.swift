// Filters that cut or encode a text.
extension Filters {
  static let layouts: [String: Filters] = [
    "truncate": Filters(["length?", "killwords?", "end?", "leeway?"], truncated),
    "urlencode": Filters { (value, _, run) throws(TemplateError) in
      guard case .mapping(let mapping) = value else {
        return .string(try percentEncoded(try run.meter.string(value), keeping: "/", run.meter))
      }
      var text = Text()
      for (index, entry) in mapping.entries.enumerated() {
        if index > 0 { text.append("&") }
        text += try percentEncoded(try run.meter.string(entry.key), keeping: nil, run.meter) + ["="]
        text += try percentEncoded(try run.meter.string(entry.value), keeping: nil, run.meter)
      }
      return .string(text)
    },
  ]

  @Sendable private static func truncated(
    _ value: Value, _ arguments: BoundArguments, _ run: Interpreter
  ) throws(TemplateError) -> Value {
    let text = try run.meter.string(value)
    let end = try arguments.text("end") ?? Text("...")
    let length = try arguments.integer("length") ?? 255
    let leeway = try arguments.integer("leeway") ?? 5
    guard length >= end.count, leeway >= 0 else {
      throw run.meter.error(.value, "'truncate' needs a length of at least \(end.count) and a leeway of at least 0")
    }
    guard text.count > length + leeway else { return .string(text) }
    try run.meter.allocate(length)
    let kept = Text(text[..<(length - end.count)])
    if arguments.flag("killwords") { return .string(kept + end) }
    let word = kept.lastIndex(of: " ") ?? kept.count
    return .string(kept[..<word] + end)
  }

  /// - Parameter kept: characters left as they are besides letters, digits and `_.-~`; nil for the names and values of a
  ///   query, where a space becomes `+`.
  private static func percentEncoded(
    _ text: Text, keeping kept: String?, _ meter: Meter
  ) throws(TemplateError) -> Text {
    var result = Text()
    for scalar in text {
      let isPlain =
        scalar.isASCII && (scalar.properties.isAlphabetic || scalar.isDigit || scalar.isOne(of: "_.-~" + (kept ?? "")))
      if isPlain {
        result.append(scalar)
      } else if scalar == " ", kept == nil {
        result.append("+")
      } else {
        try meter.allocate(12)
        for byte in UTF8.encode(scalar.scalar) ?? UTF8.encodedReplacementCharacter {
          result.append("%" + UInt32(byte).hexadecimal(width: 2).uppercased(), like: scalar)
        }
      }
    }
    try meter.allocate(text.count)
    return result
  }
}

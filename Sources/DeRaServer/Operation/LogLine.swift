import DeRaPlatform

extension RequestLine {
  /// The request in one line of `key=value`; texts that came from outside are quoted.
  package var text: String {
    var parts = ["time=\(timestamp())", "id=\(id)", "route=\(quoted("\(method) \(path.prefix(200))"))"]
    parts.append("status=\(status.map(String.init) ?? "left")")
    if let tokens = record.promptTokens { parts.append("prompt=\(tokens)") }
    if let tokens = record.cachedTokens { parts.append("cached=\(tokens)") }
    if let tokens = record.answerTokens { parts.append("answer=\(tokens)") }
    if let lambda = record.lambda { parts.append("lambda=\(quoted(lambda))") }
    parts.append("ms=\(Int(milliseconds.rounded()))")
    if let remark = record.remark { parts.append("remark=\(quoted(remark))") }
    return parts.joined(separator: " ")
  }
}

/// The text in quotes, control characters and quotes escaped.
private func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    case _ where scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format:
      result += "\\u{\(String(scalar.value, radix: 16))}"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}

/// Now, in UTC, by RFC 3339 with nanoseconds or whole seconds.
func timestamp(nanoseconds: Bool = false) -> String {
  var now = timespec()
  clock_gettime(CLOCK_REALTIME, &now)
  return timestamp(now.tv_sec, nanoseconds: nanoseconds ? Int(now.tv_nsec) : nil)
}

func timestamp(_ seconds: time_t, nanoseconds: Int? = nil) -> String {
  var seconds = seconds
  var parts = tm()
  gmtime_r(&seconds, &parts)
  func padded(_ value: Int32, _ width: Int = 2) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(width - text.count, 0)) + text
  }
  let date = "\(padded(parts.tm_year + 1900, 4))-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))"
  let time = "\(padded(parts.tm_hour)):\(padded(parts.tm_min)):\(padded(parts.tm_sec))"
  return "\(date)T\(time)\(nanoseconds.map { "." + padded(Int32($0), 9) } ?? "")Z"
}

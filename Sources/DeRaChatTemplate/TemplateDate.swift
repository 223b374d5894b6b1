/// A local date and time for `strftime_now`, given by the caller: rendering itself looks at no clock.
package struct TemplateDate: Sendable, Equatable {
  package let year: Int
  package let month: Int
  package let day: Int
  package let hour: Int
  package let minute: Int
  package let second: Int

  /// - Returns: `nil` when there is no such date and time in the Gregorian calendar of the years 1 to 9999.
  package init?(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
    guard (1...9999).contains(year), (1...12).contains(month), (1...Self.days(inMonth: month, of: year)).contains(day),
      (0...23).contains(hour), (0...59).contains(minute), (0...59).contains(second)
    else { return nil }
    self.year = year
    self.month = month
    self.day = day
    self.hour = hour
    self.minute = minute
    self.second = second
  }

  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
  ]
  private static let weekdays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

  private static func days(inMonth month: Int, of year: Int) -> Int {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return month == 2 ? (isLeap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
  }

  private var dayOfYear: Int {
    (1..<month).reduce(day) { $0 + Self.days(inMonth: $1, of: year) }
  }

  /// 0 is Monday. The 1st of January of the year 1 was one.
  private var weekday: Int {
    let before = year - 1
    return (before * 365 + before / 4 - before / 100 + before / 400 + dayOfYear - 1) % 7
  }

  /// `strftime` in the C locale, for the directives that chat templates use.
  func formatted(_ format: Text, _ meter: Meter) throws(TemplateError) -> Text {
    var result = Text()
    var position = 0
    while position < format.count {
      guard format[position] == "%" else {
        result.append(format[position])
        position += 1
        continue
      }
      // `%-d` is `%d` without the leading zero.
      let isShort = format.hasPrefix(Text("%-"), at: position)
      let letter = position + (isShort ? 2 : 1)
      guard letter < format.count, let field = field(format[letter]) else {
        let directive = Text(format[position...].prefix(isShort ? 3 : 2)).string
        throw meter.error(.unsupported, "'\(directive)' is not a date format that strftime_now knows")
      }
      try meter.allocate(field.utf8.count)
      let shortened = isShort ? String(field.drop { $0 == "0" }) : field
      result += Text(shortened.isEmpty ? "0" : shortened)
      position = letter + 1
    }
    try meter.allocate(result.count)
    return result
  }

  private func field(_ letter: TextScalar) -> String? {
    switch letter {
    case "Y": String(year)
    case "y": padded(year % 100)
    case "m": padded(month)
    case "B": Self.months[month - 1]
    case "b", "h": String(Self.months[month - 1].prefix(3))
    case "d": padded(day)
    case "e": day < 10 ? " \(day)" : "\(day)"
    case "j": padded(dayOfYear, width: 3)
    case "A": Self.weekdays[weekday]
    case "a": String(Self.weekdays[weekday].prefix(3))
    case "u": String(weekday + 1)
    case "w": String((weekday + 1) % 7)
    case "H": padded(hour)
    case "I": padded(hour % 12 == 0 ? 12 : hour % 12)
    case "p": hour < 12 ? "AM" : "PM"
    case "M": padded(minute)
    case "S": padded(second)
    case "F": "\(year)-\(padded(month))-\(padded(day))"
    case "T": "\(padded(hour)):\(padded(minute)):\(padded(second))"
    case "%": "%"
    default: nil
    }
  }

  private func padded(_ number: Int, width: Int = 2) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}

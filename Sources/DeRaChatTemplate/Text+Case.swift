// Letter case and character classes as Python's `str` defines them.

extension TextScalar {
  var isPythonSpace: Bool {
    properties.isWhitespace || (0x1c...0x1f).contains(value)
  }

  var isPythonLineEnd: Bool {
    switch value {
    case 0x0a...0x0d, 0x1c...0x1e, 0x85, 0x2028, 0x2029: true
    default: false
    }
  }

  var isCased: Bool {
    properties.isLowercase || properties.isUppercase || properties.generalCategory == .titlecaseLetter
  }

  /// Shown as itself by `repr`.
  var isPrintable: Bool {
    switch properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
    case .spaceSeparator: self == " "
    default: true
    }
  }
}

extension Text {
  func uppercased() -> Text { mapped(\.uppercaseMapping) }
  func lowercased() -> Text { mapped(\.lowercaseMapping) }

  /// The first character in title case, the others in lower case.
  func capitalized() -> Text {
    Text(prefix(1)).mapped(\.titlecaseMapping) + Text(dropFirst()).lowercased()
  }

  /// `str.title`: a letter after a non-letter in title case, the others in lower case.
  func titlecased() -> Text {
    var result = Text()
    var afterLetter = false
    for scalar in self {
      let mapping = afterLetter ? scalar.properties.lowercaseMapping : scalar.properties.titlecaseMapping
      result.append(mapping, like: scalar)
      afterLetter = scalar.isCased
    }
    return result
  }

  /// Jinja's `title` filter: words start after white space and opening brackets.
  func capitalizingWords() -> Text {
    var result = Text()
    var startsWord = true
    for scalar in self {
      let mapping = startsWord ? scalar.properties.uppercaseMapping : scalar.properties.lowercaseMapping
      result.append(mapping, like: scalar)
      startsWord = scalar.isPythonSpace || scalar.isOne(of: "-({[<")
    }
    return result
  }

  func swappingCase() -> Text {
    var result = Text()
    for scalar in self {
      let properties = scalar.properties
      let mapping = properties.isUppercase ? properties.lowercaseMapping : properties.uppercaseMapping
      result.append(mapping, like: scalar)
    }
    return result
  }

  /// There is a cased letter, and none of the other case.
  func isAll(_ wanted: KeyPath<Unicode.Scalar.Properties, Bool>) -> Bool {
    var isFound = false
    for scalar in self {
      if scalar.properties[keyPath: wanted] {
        isFound = true
      } else if scalar.isCased {
        return false
      }
    }
    return isFound
  }

  /// Appends `string`, which was computed from `scalar`.
  mutating func append(_ string: String, like scalar: TextScalar) {
    for new in string.unicodeScalars { append(TextScalar(new, isContent: scalar.isContent)) }
  }

  private func mapped(_ mapping: KeyPath<Unicode.Scalar.Properties, String>) -> Text {
    var result = Text()
    result.reserveCapacity(count)
    for scalar in self { result.append(scalar.properties[keyPath: mapping], like: scalar) }
    return result
  }
}

/// A value handed to a template.
package enum TemplateValue: Sendable, Equatable {
  case none
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case array([TemplateValue])
  case dictionary(TemplateDictionary)
}

/// A dictionary that keeps the order in which its keys were added, which templates make visible.
package struct TemplateDictionary: Sendable, Equatable, ExpressibleByDictionaryLiteral {
  package private(set) var entries: [(key: String, value: TemplateValue)] = []

  package init() {}

  /// - Parameter entries: no key twice. O(number of keys).
  package init(distinct entries: [(key: String, value: TemplateValue)]) { self.entries = entries }

  package init(dictionaryLiteral elements: (String, TemplateValue)...) {
    for (key, value) in elements { self[key] = value }
  }

  /// The value of `key`; setting `nil` removes it. O(number of keys).
  package subscript(key: String) -> TemplateValue? {
    get { position(of: key).map { entries[$0].value } }
    set {
      switch (position(of: key), newValue) {
      case (let position?, let value?): entries[position].value = value
      case (let position?, nil): entries.remove(at: position)
      case (nil, let value?): entries.append((key, value))
      case (nil, nil): break
      }
    }
  }

  /// Keys are compared code point by code point, as the template compares them.
  private func position(of key: String) -> Int? {
    entries.firstIndex { $0.key.unicodeScalars.elementsEqual(key.unicodeScalars) }
  }

  package static func == (left: Self, right: Self) -> Bool {
    left.entries.elementsEqual(right.entries) { $0.key == $1.key && $0.value == $1.value }
  }
}

extension TemplateValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  package init(stringLiteral value: String) { self = .string(value) }
  package init(booleanLiteral value: Bool) { self = .bool(value) }
  package init(integerLiteral value: Int) { self = .int(value) }
  package init(floatLiteral value: Double) { self = .double(value) }
  package init(arrayLiteral elements: TemplateValue...) { self = .array(elements) }

  package init(dictionaryLiteral elements: (String, TemplateValue)...) {
    var dictionary = TemplateDictionary()
    for (key, value) in elements { dictionary[key] = value }
    self = .dictionary(dictionary)
  }
}

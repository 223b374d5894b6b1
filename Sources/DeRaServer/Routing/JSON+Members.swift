import DeRaJSON

extension JSON {
  /// An object of these members, in their order.
  package init(_ members: [(String, JSON)]) {
    var object = JSONObject()
    for (key, value) in members { object.append(key, value) }
    self = .object(object)
  }
}

extension JSON: ExpressibleByDictionaryLiteral {
  package init(dictionaryLiteral elements: (String, JSON)...) { self.init(elements) }
}

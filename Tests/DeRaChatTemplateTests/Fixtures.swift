import DeRaChatTemplate
import DeRaTestSupport
import FoundationEssentials

/// The output of `Tests/Fixtures/templates/generate.py`.
enum TemplateFixtures {
  static let directory = Fixtures.directory + "/templates/"
  /// The moment the oracle's clock stands at.
  static let now = TemplateDate(year: 2024, month: 7, day: 5, hour: 9, minute: 8, second: 7)

  static let familyNames = [
    "constructs", "gemma3", "llama2", "llama3", "mistral", "olmo2", "qwen2_5", "qwen3", "smollm2", "zephyr",
  ]

  static func data(_ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: directory + name))
  }

  static func source(_ family: String) throws -> String {
    String(decoding: try data(family + ".jinja"), as: UTF8.self)
  }

  static func decode<Value: Decodable>(_ name: String) throws -> Value {
    try JSONDecoder().decode(Value.self, from: try data(name))
  }
}

extension ChatTemplate {
  /// The text of `render`.
  func rendered(
    messages: [TemplateMessage], addGenerationPrompt: Bool, variables: [String: TemplateValue] = [:],
    now: TemplateDate? = nil, limits: TemplateLimits = TemplateLimits()
  ) throws(TemplateError) -> String {
    try render(
      messages: messages, addGenerationPrompt: addGenerationPrompt, variables: variables, now: now, limits: limits
    ).text
  }
}

/// The result of rendering with the oracle.
struct Outcome: Decodable, Equatable, CustomStringConvertible {
  var text: String?
  var error: String?
  var message: String?

  var description: String { text.map { "text \($0.debugDescription)" } ?? "error \(error ?? "") \(message ?? "")" }

  static func == (left: Self, right: Self) -> Bool {
    // Not `==` on strings, which holds for different code points that look the same.
    left.error == right.error && left.message == right.message
      && Array((left.text ?? "").unicodeScalars) == Array((right.text ?? "").unicodeScalars)
  }

  init(_ render: () throws(TemplateError) -> String) {
    do {
      text = try render()
    } catch {
      self.error =
        switch error.kind {
        case .syntax: "syntax"
        case .undefined: "undefined"
        case .value: "value"
        case .forbidden: "forbidden"
        case .unsupported: "unsupported"
        case .raised: "raised"
        case .limit(let name): "limit \(name.rawValue)"
        }
      if error.kind == .raised { message = error.message }
    }
  }
}

/// A value as the generator tags it: `{"pairs": [[key, value], …]}` for dictionaries, `{"double": "1.5"}`.
struct FixtureValue: Decodable {
  let value: TemplateValue

  private struct Pair: Decodable {
    let key: String
    let value: TemplateValue

    init(from decoder: any Decoder) throws {
      var container = try decoder.unkeyedContainer()
      key = try container.decode(String.self)
      value = try container.decode(FixtureValue.self).value
    }
  }

  private enum Tag: String, CodingKey { case pairs, double }

  init(from decoder: any Decoder) throws {
    if let container = try? decoder.container(keyedBy: Tag.self) {
      if let number = try container.decodeIfPresent(String.self, forKey: .double) {
        value = .double(Double(number) ?? .nan)
        return
      }
      var dictionary = TemplateDictionary()
      for pair in try container.decode([Pair].self, forKey: .pairs) { dictionary[pair.key] = pair.value }
      value = .dictionary(dictionary)
      return
    }
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      value = .none
    } else if let flag = try? container.decode(Bool.self) {
      value = .bool(flag)
    } else if let number = try? container.decode(Int.self) {
      value = .int(number)
    } else if let text = try? container.decode(String.self) {
      value = .string(text)
    } else {
      value = .array(try container.decode([FixtureValue].self).map(\.value))
    }
  }

  var entries: [String: TemplateValue] {
    guard case .dictionary(let dictionary) = value else { return [:] }
    return Dictionary(dictionary.entries.map { ($0.key, $0.value) }) { first, _ in first }
  }
}

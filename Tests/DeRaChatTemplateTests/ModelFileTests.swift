import DeRaChatTemplate
import DeRaTestSupport
import FoundationEssentials
import Testing

/// The templates inside real model files, which are not stored here: the directory `DERA_MODELS` has the files, and
/// models.json what `generate.py` rendered with them.
@Suite struct ModelFileTests {
  static let directory = Fixtures.models

  @Test(.enabled(if: directory != nil, "DERA_MODELS names no directory of GGUF files"))
  func rendersLikeJinja() throws {
    let directory = try #require(Self.directory)
    let conversations: Conversations = try TemplateFixtures.decode("conversations.json")
    let expected: [String: [Rendering]] = try TemplateFixtures.decode("models.json")
    var checked = 0
    for (name, renderings) in expected {
      guard let file = try? Data(contentsOf: URL(fileURLWithPath: directory + "/" + name), options: .alwaysMapped)
      else { continue }
      let template = try ChatTemplate(source: try #require(Self.template(in: file), "\(name) has no chat template"))
      for rendering in renderings {
        let outcome = conversations.render(template, rendering.conversation, rendering.setting)
        #expect(outcome == rendering.outcome, "\(name), \(rendering.conversation), \(rendering.setting)")
      }
      checked += 1
    }
    #expect(checked > 0, "none of \(expected.keys.sorted().joined(separator: ", ")) is in \(directory)")
  }

  /// The string that follows the key in a GGUF file: its type (8), its length, its bytes.
  private static func template(in file: Data) -> String? {
    let key = Data("tokenizer.chat_template".utf8) + Data([8, 0, 0, 0])
    guard let found = file.prefix(64 << 20).firstRange(of: key) else { return nil }
    let lengthBytes = file[found.upperBound...].prefix(8)
    let length = lengthBytes.reversed().reduce(0) { $0 << 8 | Int($1) }
    guard lengthBytes.count == 8, length <= file.count else { return nil }
    return String(decoding: file[(found.upperBound + 8)...].prefix(length), as: UTF8.self)
  }
}

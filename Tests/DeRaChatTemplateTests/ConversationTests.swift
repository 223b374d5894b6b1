import DeRaChatTemplate
import Testing

/// Every conversation of the fixtures with every setting, by name.
struct Conversations: Decodable {
  private struct Conversation: Decodable {
    let name: String
    let hasTools: Bool
    let messages: [TemplateMessage]

    init(from decoder: any Decoder) throws {
      var container = try decoder.unkeyedContainer()
      name = try container.decode(String.self)
      hasTools = try container.decode(Bool.self)
      messages = try container.decode([FixtureValue].self).map { message in
        guard case .dictionary(let fields) = message.value else { return TemplateMessage(role: "none", content: "") }
        return TemplateMessage(fields: fields)
      }
    }
  }

  private struct Setting: Decodable {
    let name: String
    let variables: FixtureValue

    init(from decoder: any Decoder) throws {
      var container = try decoder.unkeyedContainer()
      name = try container.decode(String.self)
      variables = try container.decode(FixtureValue.self)
    }
  }

  private let variables: FixtureValue
  private let tools: FixtureValue
  private let conversations: [Conversation]
  private let settings: [Setting]

  func render(_ template: ChatTemplate, _ name: String, _ setting: String) -> Outcome {
    guard let conversation = conversations.first(where: { $0.name == name }),
      let setting = settings.first(where: { $0.name == setting })
    else { return Outcome { () throws(TemplateError) in "no such conversation" } }
    var all = variables.entries.merging(setting.variables.entries) { _, more in more }
    if conversation.hasTools { all["tools"] = tools.value }
    let addsPrompt = all.removeValue(forKey: "add_generation_prompt") == .bool(true)
    return Outcome { () throws(TemplateError) in
      try template.rendered(
        messages: conversation.messages, addGenerationPrompt: addsPrompt, variables: all, now: Fixtures.now)
    }
  }
}

/// `[conversation, setting, outcome]`
struct Rendering: Decodable {
  let conversation: String
  let setting: String
  let outcome: Outcome

  init(from decoder: any Decoder) throws {
    var container = try decoder.unkeyedContainer()
    conversation = try container.decode(String.self)
    setting = try container.decode(String.self)
    outcome = try container.decode(Outcome.self)
  }
}

@Suite struct ConversationTests {
  @Test(arguments: Fixtures.familyNames)
  func rendersLikeJinja(_ family: String) throws {
    let conversations: Conversations = try Fixtures.decode("conversations.json")
    let expected: [String: [Rendering]] = try Fixtures.decode("expected.json")
    let renderings = try #require(expected[family])
    #expect(renderings.count >= 60)
    let template = try ChatTemplate(source: try Fixtures.source(family))
    for rendering in renderings {
      let outcome = conversations.render(template, rendering.conversation, rendering.setting)
      #expect(outcome == rendering.outcome, "\(family), \(rendering.conversation), \(rendering.setting)")
    }
  }

  @Test func messagesOfTheCallerAreTheTemplatesMessages() throws {
    let template = try ChatTemplate(source: try Fixtures.source("smollm2"))
    let messages = [
      TemplateMessage(role: "system", content: "Be brief."), TemplateMessage(role: "user", content: "Hello"),
    ]
    let prompt = try template.rendered(messages: messages, addGenerationPrompt: true)
    #expect(
      prompt == "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n")
  }

  @Test func toolsAndDocumentsAreNoneUnlessGiven() throws {
    let template = try ChatTemplate(source: "{{ tools is none }}{{ documents is none }}{{ bos_token is defined }}")
    #expect(try template.rendered(messages: [], addGenerationPrompt: false) == "TrueTrueFalse")
  }

  @Test func theClockIsUndefinedUnlessGiven() throws {
    let template = try ChatTemplate(source: "{{ strftime_now('%Y') if strftime_now is defined else 'no clock' }}")
    #expect(try template.rendered(messages: [], addGenerationPrompt: false) == "no clock")
    let now = try #require(TemplateDate(year: 2031, month: 2, day: 28))
    #expect(try template.rendered(messages: [], addGenerationPrompt: false, now: now) == "2031")
  }
}

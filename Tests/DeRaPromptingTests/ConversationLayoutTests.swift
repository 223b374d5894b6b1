import DeRaChatTemplate
import DeRaPrompting
import Testing

@Suite struct ConversationLayoutTests {
  private static func text(_ source: String, _ content: TemplateValue) throws -> String {
    try ConversationLayout(source: source, specialTokens: ["bos_token": "<s>"])
      .prompt(for: [TemplateMessage(role: "user", content: content)], addGenerationPrompt: false).text
  }

  private static let parts: TemplateValue = [["type": "text", "text": "one"], ["type": "text", "text": "two"]]

  /// A content in the form that the template does not read is given in the other.
  @Test(arguments: [
    ("{{ messages[0].content }}", "x", "one\ntwo"), ("{{ messages[0]['content'] | trim }}", "x", "one\ntwo"),
    ("{% for part in messages[0].content %}{{ part.text }}{% endfor %}", "x", "onetwo"),
    (
      "{% if messages[0].content is string %}{{ messages[0].content }}{% else %}"
        + "{% for part in messages[0].content %}[{{ part['text'] }}]{% endfor %}{% endif %}", "x", "[one][two]"
    ),
  ])
  func contents(_ source: String, _ ofText: String, _ ofParts: String) throws {
    #expect(try Self.text(source, "x") == ofText)
    #expect(try Self.text(source, Self.parts) == ofParts)
  }

  @Test func partsThatAreNoText() throws {
    #expect(throws: TemplateError.self) { try Self.text("{{ messages[0].content }}", [["type": "image"]]) }
  }

  @Test func theClockIsThere() throws {
    let layout = try ConversationLayout(source: "{{ strftime_now('%Y') }}", specialTokens: [:])
    #expect(try layout.prompt(for: []).text.count == 4)
    try layout.tryOut()
  }

  /// The named templates write what the models' own write (Tests/Fixtures/templates has those of some).
  @Test(arguments: [
    (
      "chatml",
      "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\n1<|im_end|>\n<|im_start|>assistant\n2<|im_end|>\n"
        + "<|im_start|>user\n3<|im_end|>\n<|im_start|>assistant\n"
    ),
    (
      "gemma",
      "<s><start_of_turn>user\nS\n\n1<end_of_turn>\n<start_of_turn>model\n2<end_of_turn>\n"
        + "<start_of_turn>user\n3<end_of_turn>\n<start_of_turn>model\n"
    ),
    ("llama2", "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\n1 [/INST] 2 </s><s>[INST] 3 [/INST]"),
    (
      "llama3",
      "<s><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n1"
        + "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n2<|eot_id|><|start_header_id|>user<|end_header_id|>"
        + "\n\n3<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
    ),
    ("mistral", "<s>[INST] S\n\n1[/INST] 2</s>[INST] 3[/INST]"),
    ("phi3", "<|system|>\nS<|end|>\n<|user|>\n1<|end|>\n<|assistant|>\n2<|end|>\n<|user|>\n3<|end|>\n<|assistant|>\n"),
    ("vicuna", "<s>S\n\nUSER: 1 ASSISTANT: 2</s>USER: 3 ASSISTANT:"),
    ("zephyr", "<|system|>\nS</s>\n<|user|>\n1</s>\n<|assistant|>\n2</s>\n<|user|>\n3</s>\n<|assistant|>\n"),
  ])
  func namedTemplates(_ name: String, _ expected: String) throws {
    let messages = [("system", "S"), ("user", "1"), ("assistant", "2"), ("user", "3")]
    let layout = try ConversationLayout(
      source: NamedTemplate.source(of: name), specialTokens: ["bos_token": "<s>", "eos_token": "</s>"])
    let prompt = try layout.prompt(for: messages.map { TemplateMessage(role: $0.0, content: $0.1) })
    #expect(prompt.text == expected)
    #expect(NamedTemplate.all.count == 8)
    #expect(throws: (any Error).self) { try NamedTemplate.source(of: "/nonexistent/\(name)") }
  }
}

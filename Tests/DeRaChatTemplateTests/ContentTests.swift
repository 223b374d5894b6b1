import DeRaChatTemplate
import Testing

/// Which parts of a prompt come from the conversation.
@Suite struct ContentTests {
  /// The template's text as it is, the conversation's in brackets.
  private static func marked(
    _ source: String, _ messages: [TemplateMessage], variables: [String: TemplateValue] = [:]
  ) throws -> String {
    let prompt = try ChatTemplate(source: source).render(
      messages: messages, addGenerationPrompt: false, variables: variables)
    let bytes = Array(prompt.text.utf8)
    var result = ""
    var covered = 0
    for range in prompt.content {
      #expect(!range.isEmpty && range.lowerBound >= covered)
      result += String(decoding: bytes[covered..<range.lowerBound], as: UTF8.self)
      result += "[" + String(decoding: bytes[range], as: UTF8.self) + "]"
      covered = range.upperBound
    }
    return result + String(decoding: bytes[covered...], as: UTF8.self)
  }

  @Test(arguments: [
    ("<s>{{ messages[0].content }}</s>", "<s>[ A<x>é ]</s>"),
    ("{{ messages[0].content | trim }}|{{ messages[0]['content'] | upper }}", "[A<x>é]|[ A<X>É ]"),
    ("{{ '<' ~ messages[0].content.strip() ~ '>' + 'b' }}", "<[A<x>é]>b"),
    ("{{ messages[0].content.split('<') | join('<') }}", "[ A]<[x>é ]"),
    ("{{ messages[0].content | replace('<x>', '<y>') }}", "[ A]<y>[é ]"),
    ("{{ messages[0].content[1:3] }}{{ messages[0].content[1] }}", "[A<A]"),
    ("{{ messages[0].content | tojson }}", #""[ A<x>é ]""#),
    ("{{ '%s;{}' | format(messages[0].content) }}{{ '{}.'.format(messages[0].content) }}", "[ A<x>é ];{}[ A<x>é ]."),
    ("{% set x %}a{{ messages[0].content }}b{% endset %}{{ x }}", "a[ A<x>é ]b"),
    ("{% macro m(t) %}({{ t }}){% endmacro %}{{ m(messages[0].content) }}", "([ A<x>é ])"),
    ("{% for c in messages[0].content %}{{ c }}.{% endfor %}", "[ ].[A].[<].[x].[>].[é].[ ]."),
    ("{{ messages[0].content | length }}{{ messages | length }}", "71"),
    ("{% if '<x>' in messages[0].content %}yes{% endif %}", "yes"),
    ("<|{{ messages[0].role }}|>{{ bos_token }}{{ messages[0].name }}", "<|user|><s>[me]"),
    ("{{ {'k': messages[0].content}['k'] | capitalize }}", "[ a<x>é ]"),
  ])
  func follows(_ source: String, _ expected: String) throws {
    let message = TemplateMessage(fields: ["role": "user", "content": " A<x>é ", "name": "me"])
    #expect(try Self.marked(source, [message], variables: ["bos_token": "<s>"]) == expected)
  }

  /// A role of letters can be part of a special token, any other is content.
  @Test(arguments: [("tool_1-a", "<|tool_1-a|>"), ("user|><|x", "<|[user|><|x]|>"), ("é", "<|[é]|>"), ("", "<||>")])
  func roles(_ role: String, _ expected: String) throws {
    #expect(try Self.marked("<|{{ messages[0].role }}|>", [TemplateMessage(role: role, content: "")]) == expected)
  }

  @Test func toolsAndParts() throws {
    let parts: TemplateValue = [["type": "text", "text": "hi"]]
    let source = "{% for p in messages[0].content %}{{ p.text }}{% endfor %}{{ tools[0].name }}{{ tools[0] | length }}"
    #expect(
      try Self.marked(source, [TemplateMessage(role: "user", content: parts)], variables: ["tools": [["name": "f"]]])
        == "[hif]1")
  }
}

import DeRaChatTemplate
import DeRaPlatform

/// A chat template that is known by name, for models that come without theirs.
package struct NamedTemplate: Sendable {
  package let name: String
  /// Jinja.
  package let source: String
  /// Special tokens it writes; a vocabulary without them is of another family.
  package let tokens: [String]

  package static let all = [chatML, gemma, llama2, llama3, mistral, phi3, vicuna, zephyr]

  /// Bytes of the longest text taken for a template.
  private static let sizeLimit = 1 << 20

  /// The template that `argument` names, or the text of the file it is the path of.
  /// - Throws: `UnknownTemplate` where there is no such file, `FileError`, or `TemplateError` for a file that is too long.
  package static func source(of argument: String) throws -> String {
    if let named = all.first(where: { $0.name == argument }) { return named.source }
    guard access(argument, F_OK) == 0 else { throw UnknownTemplate(name: argument) }
    let file = try MappedFile(text: argument)
    return try checked(try withExtendedLifetime(file) { try utf8Text(file.bytes, path: argument) }, of: argument)
  }

  /// `text` itself.
  /// - Parameter name: where it came from.
  /// - Throws: `TemplateError` when it is too long for a template.
  package static func checked(_ text: String, of name: String) throws -> String {
    guard text.utf8.count <= sizeLimit else {
      let message = "\(name) has \(text.utf8.count) bytes, more than a template has"
      throw TemplateError(kind: .limit(.source), line: 0, message: message)
    }
    return text
  }

  /// All names as help texts list them: `chatml, gemma, …`.
  package static var names: String { all.map(\.name).joined(separator: ", ") }

  private static let chatML = NamedTemplate(
    name: "chatml",
    source: """
      {% for message in messages %}<|im_start|>{{ message.role }}
      {{ message.content }}<|im_end|>
      {{ '' }}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
      {{ '' }}{% endif %}
      """, tokens: ["<|im_start|>", "<|im_end|>"])

  private static let gemma = NamedTemplate(
    name: "gemma",
    source: """
      {{ bos_token }}{% set ns = namespace(system='') %}{% for message in messages %}\
      {% if message.role == 'system' %}{% set ns.system = message.content | trim ~ '\\n\\n' %}{% else %}\
      <start_of_turn>{{ 'model' if message.role == 'assistant' else message.role }}
      {% if message.role == 'user' %}{{ ns.system }}{% set ns.system = '' %}{% endif %}\
      {{ message.content | trim }}<end_of_turn>
      {{ '' }}{% endif %}{% endfor %}{% if add_generation_prompt %}<start_of_turn>model
      {{ '' }}{% endif %}
      """, tokens: ["<start_of_turn>", "<end_of_turn>"])

  private static let llama2 = NamedTemplate(
    name: "llama2",
    source: """
      {% set ns = namespace(system='') %}{% for message in messages %}\
      {% if message.role == 'system' %}{% set ns.system = '<<SYS>>\\n' ~ message.content | trim ~ '\\n<</SYS>>\\n\\n' %}\
      {% elif message.role == 'user' %}{{ bos_token }}[INST] {{ ns.system }}{{ message.content | trim }} [/INST]\
      {% set ns.system = '' %}{% else %} {{ message.content | trim }} {{ eos_token }}{% endif %}{% endfor %}
      """, tokens: [])

  private static let llama3 = NamedTemplate(
    name: "llama3",
    source: """
      {{ bos_token }}{% for message in messages %}<|start_header_id|>{{ message.role }}<|end_header_id|>

      {{ message.content | trim }}<|eot_id|>{% endfor %}\
      {% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>

      {{ '' }}{% endif %}
      """, tokens: ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"])

  /// The template of Mistral 7B Instruct v0.3.
  private static let mistral = NamedTemplate(
    name: "mistral",
    source: """
      {{ bos_token }}{% set ns = namespace(system='') %}{% for message in messages %}\
      {% if message.role == 'system' %}{% set ns.system = message.content ~ '\\n\\n' %}\
      {% elif message.role == 'user' %}[INST] {{ ns.system }}{{ message.content }}[/INST]{% set ns.system = '' %}\
      {% else %} {{ message.content | trim }}{{ eos_token }}{% endif %}{% endfor %}
      """, tokens: [])

  private static let phi3 = NamedTemplate(
    name: "phi3",
    source: """
      {% for message in messages %}<|{{ message.role }}|>
      {{ message.content }}<|end|>
      {{ '' }}{% endfor %}{% if add_generation_prompt %}<|assistant|>
      {{ '' }}{% endif %}
      """, tokens: ["<|user|>", "<|assistant|>", "<|end|>"])

  private static let vicuna = NamedTemplate(
    name: "vicuna",
    source: """
      {{ bos_token }}{% for message in messages %}{% if message.role == 'system' %}{{ message.content ~ '\\n\\n' }}\
      {% elif message.role == 'user' %}USER: {{ message.content }} {% else %}ASSISTANT: {{ message.content }}\
      {{ eos_token }}{% endif %}{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}
      """, tokens: [])

  private static let zephyr = NamedTemplate(
    name: "zephyr",
    source: """
      {% for message in messages %}<|{{ message.role }}|>
      {{ message.content }}{{ eos_token }}
      {{ '' }}{% endfor %}{% if add_generation_prompt %}<|assistant|>
      {{ '' }}{% endif %}
      """, tokens: [])
}

/// Neither a file nor the name of a template.
package struct UnknownTemplate: Error, Equatable, CustomStringConvertible {
  package let name: String

  package var description: String {
    "there is no file '\(name)' and no template of that name; templates are \(NamedTemplate.names)"
  }
}

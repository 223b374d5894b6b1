import DeRaChatTemplate
import DeRaPrompting
import DeRaTokenization
import Testing

/// Which tokens end an answer beside those that files declare.
@Suite struct AnswerEndsTests {
  /// Bytes at 0…255, then the special tokens.
  private static func tokenizer(_ special: [String]) throws -> Tokenizer {
    var pieces = (0..<256).map { TokenizerDefinition.Piece(id: Int32($0), bytes: [UInt8($0)]) }
    // Spelled like a token that ends answers, but a word of the vocabulary.
    pieces.append(TokenizerDefinition.Piece(id: 256, bytes: Array("</s>".utf8)))
    var definition = TokenizerDefinition(kind: .byteLevelBPE, pieces: pieces, merges: .ranked([]))
    definition.addedTokens = special.enumerated().map {
      TokenizerDefinition.AddedToken(id: Int32(300 + $0), content: Array($1.utf8), isSpecial: true)
    }
    return try Tokenizer(image: definition.compiled())
  }

  private static func ends(_ special: [String], _ template: String?, declared: [Int] = []) throws -> [AnswerEnd] {
    let tokenizer = try tokenizer(special)
    let layout = try template.map { try ConversationLayout(source: $0, specialTokens: tokenizer.specialTokens) }
    return AnswerEnd.all(tokenizer, layout: layout, declared: declared)
  }

  @Test(arguments: [
    "{% for m in messages %}<|x_start|>{{ m.role }}\n{{ m.content }}<|x_end|>\n{% endfor %}",
    "{% for m in messages %}{{ m.content | trim }} \n <|x_end|>{% endfor %}",
    "{% for m in messages %}{{ m.content }}<|x_end|>{% endfor %}<|x_start|>assistant",
    // Two turns are refused, one pair is taken.
    "{% if messages | length > 2 %}{{ raise_exception('no') }}{% endif %}{{ messages[1].content }}<|x_end|>",
  ])
  func afterATurn(_ template: String) throws {
    let ends = try Self.ends(["<|x_start|>", "<|x_end|>"], template)
    #expect(ends.map(\.id) == [301] && ends.map(\.reason) == [.template] && ends.map(\.token) == ["<|x_end|>"])
    #expect(try Self.ends(["<|x_start|>", "<|x_end|>"], template, declared: [301]).isEmpty)
  }

  @Test(arguments: [
    "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}", "{{ raise_exception('no') }}",
    "{{ messages[0].content }}<|x_end|>", "{{ nothing.at.all }}",
  ])
  func noneWritten(_ template: String) throws {
    #expect(try Self.ends(["<|x_end|>"], template).isEmpty)
  }

  @Test func names() throws {
    let special = ["<|im_end|>", "<|endoftext|>", "<|im_start|>", "<eos>"]
    let ends = try Self.ends(special, nil, declared: [301])
    #expect(ends.map(\.id) == [300, 303])
    #expect(ends.map(\.description).first?.contains("<|im_end|> (token 300)") == true)
    // The word "</s>" of the vocabulary is no control token.
    #expect(try Self.ends([], nil).isEmpty)
  }
}

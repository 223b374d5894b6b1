import DeRaGGUF
import DeRaTokenization

/// GGUF's standard tokenizer keys, so that other programs can list the vocabulary. Our runtime uses the compiled image.
enum TokenizerMetadata {
  /// The values of `tokenizer.ggml.token_type`.
  private enum TokenType: Int32 {
    case normal = 1
    case control = 3
    case userDefined = 4
    case unused = 5
    case byte = 6
  }

  static func metadata(
    _ definition: TokenizerDefinition, vocabularySize: Int
  ) -> [(key: String, value: GGUFValue)] {
    var tokens = (0..<vocabularySize).map { Array("[PAD\($0)]".utf8) }
    var types = [Int32](repeating: TokenType.unused.rawValue, count: vocabularySize)
    let isByteLevel = definition.kind == .byteLevelBPE
    for piece in definition.pieces where (0..<vocabularySize).contains(Int(piece.id)) {
      tokens[Int(piece.id)] = isByteLevel ? Array(ByteAlphabet.encode(piece.bytes).utf8) : piece.bytes
      let type: TokenType =
        switch piece.role {
        case .text: .normal
        case .byte: .byte
        case .reserved: .unused
        }
      types[Int(piece.id)] = type.rawValue
    }
    for token in definition.addedTokens where (0..<vocabularySize).contains(Int(token.id)) {
      tokens[Int(token.id)] = token.content
      types[Int(token.id)] = (token.isSpecial ? TokenType.control : .userDefined).rawValue
    }
    var list: [(key: String, value: GGUFValue)] = [
      ("tokenizer.ggml.model", .string(isByteLevel ? "gpt2" : "llama")),
      ("tokenizer.ggml.pre", .string("default")),
      ("tokenizer.ggml.tokens", .array(GGUFArray(stringBytes: tokens))),
      ("tokenizer.ggml.token_type", .array(GGUFArray(int32s: types))),
    ]
    let ids = [
      ("bos", definition.bosID), ("eos", definition.eosID), ("unknown", definition.unknownID),
      ("padding", definition.padID),
    ]
    for case (let name, let id?) in ids where id >= 0 {
      list.append(("tokenizer.ggml.\(name)_token_id", .uint32(UInt32(id))))
    }
    return list
  }
}

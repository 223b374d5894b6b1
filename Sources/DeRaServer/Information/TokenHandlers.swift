import DeRaJSON
import DeRaTokenization

/// The routes that turn text into tokens and back.
extension Service {
  static let tokenizeFields: [FieldDescription] = [
    FieldDescription(name: "content", schema: ["type": ["string", "null"]]),
    FieldDescription(name: "prompt", schema: ["type": ["string", "null"]]),
    addSpecial.description, addSpecialTokens.description, withPieces.description, parseSpecial.description,
  ]
  static let detokenizeFields = [
    FieldDescription(name: "tokens", schema: ["type": "array", "items": ["type": "integer"]]).required
  ]
  private static let addSpecial = Field<Bool>.flag("add_special")
  private static let addSpecialTokens = Field<Bool>.flag("add_special_tokens")
  private static let withPieces = Field<Bool>.flag("with_pieces")
  private static let parseSpecial = Field<Bool>.flag("parse_special")

  /// `POST /tokenize`
  func tokenize(_ request: Request) throws(APIError) -> Reply {
    let fields = try Self.fields(of: request)
    let content = try fields(Field<String>.text("content"))
    let prompt = try fields(Field<String>.text("prompt"))
    guard let text = content ?? prompt else { throw .invalid("'content' is missing", param: "content") }
    let addSpecial = try fields(Self.addSpecial)
    let addSpecialTokens = try fields(Self.addSpecialTokens)
    let addsSpecial = addSpecial ?? addSpecialTokens ?? false
    let parsesSpecial = try fields(Self.parseSpecial) ?? true
    let ids: [Int32]
    do {
      ids = try model.tokenizer.encode(text, addSpecial: addsSpecial, parseSpecial: parsesSpecial)
    } catch {
      throw .invalid("'content': \(error)", param: "content")
    }
    let tokens: [JSON] = try fields(Self.withPieces) ?? false ? ids.map(piece) : ids.map { .integer(Int($0)) }
    return Reply(json: [
      "tokens": .array(tokens), "count": .integer(ids.count), "max_model_len": .integer(model.context),
    ])
  }

  /// A token with its text, or its bytes where they are only part of a character.
  private func piece(_ id: Int32) -> JSON {
    let bytes = model.tokenizer.bytes(of: id)
    let text = String(validating: bytes, as: UTF8.self)
    return ["id": .integer(Int(id)), "piece": text.map(JSON.string) ?? .array(bytes.map { .integer(Int($0)) })]
  }

  /// `POST /detokenize`
  func detokenize(_ request: Request) throws(APIError) -> Reply {
    let fields = try Self.fields(of: request)
    guard let json = fields.json("tokens") else { throw .invalid("'tokens' are missing", param: "tokens") }
    guard let ids = try tokenIDs(json, param: "tokens") else {
      throw .invalid("'tokens' must be a list of ids, not \(json.summary)", param: "tokens")
    }
    let text = JSON.string(String(decoding: model.tokenizer.decode(ids, skipSpecial: false), as: UTF8.self))
    return Reply(json: ["content": text, "prompt": text])
  }

  /// Ids of the vocabulary; nil for what is no list of numbers.
  func tokenIDs(_ json: JSON, param: String) throws(APIError) -> [Int32]? {
    guard let values = json.array else { return nil }
    var ids: [Int32] = []
    for value in values {
      guard let id = value.int else { return nil }
      guard (0..<model.bundle.vocabularySize).contains(id) else {
        throw .invalid(
          "'\(param)': the id \(id) is not in the vocabulary (0 to \(model.bundle.vocabularySize - 1))", param: param)
      }
      ids.append(Int32(id))
    }
    return ids
  }

  /// `GET /tokenizer_info`
  func tokenizerInfo() -> Reply {
    let special = model.tokenizer.specialTokens
    func text(_ name: String) -> JSON { special[name].map(JSON.string) ?? .null }
    return Reply(json: [
      "bos_token": text("bos_token"), "eos_token": text("eos_token"), "unk_token": text("unk_token"),
      "pad_token": text("pad_token"), "vocab_size": .integer(model.bundle.vocabularySize),
      "chat_template": .string(model.bundle.manifest.chatTemplate ?? ""),
    ])
  }

  /// `POST /apply-template`
  func applyTemplate(_ request: Request) throws(APIError) -> Reply {
    let fields = try Self.fields(of: request)
    let prompt = try laidOut(Messages(fields.json("messages")), Tools(fields))
    return Reply(json: ["prompt": .string(prompt.text)])
  }

  /// `POST /v1/chat/completions/input_tokens`
  func inputTokens(_ request: Request) throws(APIError) -> Reply {
    let fields = try Self.fields(of: request)
    let ids = try ids(of: Messages(fields.json("messages")), Tools(fields))
    return Reply(json: ["object": "response.input_tokens", "input_tokens": .integer(ids.count)])
  }
}

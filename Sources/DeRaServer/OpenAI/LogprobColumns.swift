import DeRa
import DeRaJSON
import DeRaTokenization

/// Log-probabilities as OpenAI's completions write them: four lists, an entry a token.
struct LogprobColumns: Sendable {
  private let tokenizer: Tokenizer
  private var decoder: Tokenizer.StreamingDecoder
  /// Code points of the text before the next token.
  private var offset = 0
  private var tokens: [JSON] = []
  private var logprobs: [JSON] = []
  private var tops: [JSON] = []
  private var offsets: [JSON] = []

  init(tokenizer: Tokenizer) {
    self.tokenizer = tokenizer
    decoder = tokenizer.streamingDecoder(skipSpecial: true)
  }

  var hasMore: Bool { !tokens.isEmpty }

  /// The first token of a prompt, which nothing predicts.
  mutating func addFirst(_ id: Int32) { append(id, .null, .null) }

  mutating func add(_ token: TokenLogprobs) {
    let own = name(token.token.id)
    var entries = token.top.map { (name($0.id), JSON.double(finite($0.logprob))) }
    // The token itself is among them with the same number, so that a client can tell whether it was the likeliest.
    let mine = JSON.double(finite(token.token.logprob))
    if let place = entries.firstIndex(where: { $0.0 == own }) {
      entries[place].1 = mine
    } else {
      entries.append((own, mine))
    }
    append(token.token.id, mine, JSON(entries))
  }

  private mutating func append(_ id: Int32, _ logprob: JSON, _ top: JSON) {
    tokens.append(.string(name(id)))
    logprobs.append(logprob)
    tops.append(top)
    offsets.append(.integer(offset))
    offset += decoder.append(id).unicodeScalars.count
  }

  /// A token's text; `bytes:\xe2\x80` for part of a character, so that no two have the same name.
  private func name(_ id: Int32) -> String {
    let bytes = tokenizer.bytes(of: id)
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    return "bytes:" + bytes.map { "\\x" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// The lists so far, which are then empty.
  mutating func take() -> JSON {
    defer { (tokens, logprobs, tops, offsets) = ([], [], [], []) }
    return [
      "tokens": .array(tokens), "token_logprobs": .array(logprobs), "top_logprobs": .array(tops),
      "text_offset": .array(offsets),
    ]
  }
}

import DeRa
import DeRaJSON
import DeRaTokenization

/// Log-probabilities as OpenAI's chat writes them.
struct LogprobEntries: Sendable {
  let tokenizer: Tokenizer
  let aligned: [String]

  func entry(_ token: TokenLogprobs) -> JSON {
    JSON(members(token.token) + [("top_logprobs", .array(token.top.map { JSON(members($0)) }))])
  }

  private func members(_ entry: TokenLogprobs.Entry) -> [(String, JSON)] {
    let bytes = tokenizer.bytes(of: entry.id)
    let members: [(String, JSON)] = [
      ("id", .integer(Int(entry.id))), ("token", .string(String(decoding: bytes, as: UTF8.self))),
      ("logprob", .double(finite(entry.logprob))), ("bytes", .array(bytes.map { .integer(Int($0)) })),
    ]
    return entry.models.isEmpty ? members : members + [("dera", models(entry.models))]
  }

  /// Under each model alone.
  private func models(_ logprobs: [Double]) -> JSON {
    [
      "reference": .double(finite(logprobs.first ?? 0)),
      "aligned": JSON(zip(aligned, logprobs.dropFirst()).map { ($0, .double(finite($1))) }),
    ]
  }
}

/// JSON has no infinity, and clients expect a number: OpenAI's own for what is impossible.
func finite(_ logprob: Double) -> Double { logprob.isFinite ? logprob : -9999 }

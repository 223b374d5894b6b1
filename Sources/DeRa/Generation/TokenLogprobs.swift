/// How probable a token was, and the likeliest ones in its place: natural logarithms of softmax(blended logits) at
/// temperature 1, before bias, penalties and masks.
package struct TokenLogprobs: Sendable, Equatable {
  package struct Entry: Sendable, Equatable {
    package var id: Int32
    package var logprob: Double
    /// Under each model by itself, the reference first; empty unless that was asked for.
    package var models: [Double] = []

    package init(id: Int32, logprob: Double, models: [Double] = []) {
      (self.id, self.logprob, self.models) = (id, logprob, models)
    }
  }

  /// The token drawn, or the prompt's own.
  package var token: Entry
  /// The likeliest tokens, the first ones first; the lower id on a tie.
  package var top: [Entry] = []

  package init(token: Entry, top: [Entry] = []) { (self.token, self.top) = (token, top) }

  /// Adds the probabilities under one more model.
  /// - Parameter logits: `[vocabulary]`, that model's own.
  mutating func add(model logits: UnsafeBufferPointer<Float>) {
    let sum = LogitDistribution(logits).logSum
    token.models.append(Double(logits[Int(token.id)]) - sum)
    for index in top.indices { top[index].models.append(Double(logits[Int(top[index].id)]) - sum) }
  }
}

/// A row of logits, kept for the log-probabilities of a token that is not known yet.
struct LogitRow {
  private var logits: [Float] = []
  private var logSum = 0.0
  private var top: [TokenLogprobs.Entry] = []
  private var ranking = LogitRanking()

  /// - Parameters:
  ///   - new: `[vocabulary]`, blended. One that is NaN or +∞ makes log-probabilities of no use; drawing from it fails.
  ///   - count: likeliest tokens to report.
  mutating func keep(_ new: UnsafeBufferPointer<Float>, top count: Int) {
    logits.replaceSubrange(0..., with: new)
    logSum = LogitDistribution(new).logSum
    top.removeAll(keepingCapacity: true)
    guard count > 0, (try? ranking.begin(new, bandWidth: 1)) != nil else { return }
    while top.count < count, let candidate = ranking.next(in: new) {
      top.append(TokenLogprobs.Entry(id: candidate.id, logprob: Double(candidate.logit) - logSum))
    }
  }

  func logprobs(of token: Int32) -> TokenLogprobs {
    TokenLogprobs(
      token: TokenLogprobs.Entry(id: token, logprob: Double(logits[Int(token)]) - logSum), top: top)
  }
}

import DeRaTokenization

/// Sequences that step together; `DecodingBatch` is one, and a `DecodingSession` alone.
package protocol TokenBatch: AnyObject {
  associatedtype Member: TokenSequence
  var sequences: [Member] { get }
  /// The quantity that λ blends.
  var blend: Blend { get }
  /// Makes sure that the models are still those that were opened.
  func checkUnchanged() throws
  /// Computes the logits after the last token of every sequence that is given a λ.
  /// - Parameters:
  ///   - model: its own logits instead of the blend; every λ given needs it.
  ///   - body: gets the sequence's index and its logits `[vocabulary]`, which it may change. It may append to that sequence.
  ///     It is not called for a text whose end the step does not reach.
  func logits(
    _ realignments: [Realignment?], of model: Int?,
    _ body: (_ sequence: Int, _ logits: UnsafeMutableBufferPointer<Float>) throws -> Void
  ) throws
}

/// Tokens that are read and written.
package protocol TokenSequence: AnyObject {
  var tokens: [Int32] { get }
  /// A sequence that λ of the prompt blends with this one.
  var reference: Self? { get }
  var contextLength: Int { get }
  func append(_ tokens: some Collection<Int32>) throws
  func truncate(to count: Int)
  /// Whether the sequence can continue under a λ.
  func continues(_ realignment: Realignment) -> Bool
  /// Computes a stretch of the tokens that a λ's models have not computed yet.
  /// - Parameter body: gets every position and its blended logits `[vocabulary]`.
  /// - Returns: tokens computed so far.
  func score(
    _ realignment: Realignment, _ body: (_ position: Int, _ logits: UnsafeBufferPointer<Float>) throws -> Void
  ) throws -> Int
}

extension TokenSequence {
  /// Makes these tokens the sequence. What it has of their beginning is kept and not computed again.
  /// - Returns: tokens kept.
  func replace(with new: [Int32]) throws -> Int {
    let common = tokens.commonPrefix(new)
    truncate(to: common)
    try append(new[common...])
    return common
  }
}

/// Turns tokens into text, whole characters only.
package protocol TokenTextDecoder {
  mutating func append(_ id: Int32) -> String
  mutating func finish() -> String
}

extension Tokenizer.StreamingDecoder: TokenTextDecoder {}

extension DecodingSession: TokenSequence {}

extension DecodingSession: TokenBatch {
  package var sequences: [DecodingSession] { [self] }
  package func checkUnchanged() throws { try bundle.checkUnchanged() }

  package func logits(
    _ realignments: [Realignment?], of model: Int?,
    _ body: (_ sequence: Int, _ logits: UnsafeMutableBufferPointer<Float>) throws -> Void
  ) throws {
    guard let realignment = realignments[0] else { return }
    try body(0, try logits(realignment, of: model))
  }
}

extension DecodingBatch: TokenBatch {
  package var sequences: [DecodingSession] { sessions }
  package var blend: Blend { sessions[0].blend }
  package func checkUnchanged() throws { try bundle.checkUnchanged() }
}

/// The work of an engine, at hand and done.
package struct EngineSnapshot: Sendable {
  /// A sequence of the batch.
  package struct Slot: Sendable {
    package var isBusy = false
    /// Tokens of the prompt under way, or of the last one.
    package var promptTokens = 0
    /// Tokens of the sequence whose keys and values are held.
    package var computedTokens = 0
    package var answerTokens = 0
    package var realignment: Realignment?

    package init() {}
  }

  package var slots: [Slot]
  package var waiting = 0
  /// Prompt tokens computed, and those that need not be.
  package var promptTokens = 0
  package var cachedTokens = 0
  package var answerTokens = 0
  package var answers = 0
  package var steps = 0
  /// Seconds until the first token, and from there, summed over answers.
  package var promptSeconds = 0.0
  package var answerSeconds = 0.0

  package init(slots: [Slot]) { self.slots = slots }
}

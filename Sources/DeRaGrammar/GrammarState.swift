/// How far an answer has come in its grammar, and which tokens it may go on with.
///
/// Not shared between threads. Masks of places that come again are kept.
package final class GrammarState {
  private let vocabulary: GrammarVocabulary
  private var automaton: LazyAutomaton
  private var state: Int32
  /// Memory of the walk through the vocabulary.
  private var stack: [Int32] = []
  /// `[keptMasks, wordCount]`, filled from the front; `slotOf` says which states they are of.
  private var masks: [UInt32] = []
  private var slotOf: [Int32: Int] = [:]
  private var nextSlot = 0
  private static let keptMasks = 32

  /// - Throws: `GrammarError.tooAmbiguous`.
  package init(_ grammar: Grammar, vocabulary: GrammarVocabulary) throws(GrammarError) {
    self.vocabulary = vocabulary
    automaton = LazyAutomaton(grammar.automaton)
    state = try automaton.start()
  }

  /// Whether the answer is complete as it is.
  package var mayEnd: Bool { state != LazyAutomaton.dead && automaton.mayEnd(state) }
  /// Whether the answer is complete and nothing can follow.
  package var isFinished: Bool { state != LazyAutomaton.dead && automaton.isFinished(state) }

  /// Goes on by a token that was drawn.
  /// - Throws: `GrammarError.refused` for a token that the grammar does not take; the state stays then.
  package func advance(_ token: Int32) throws(GrammarError) {
    let text = vocabulary.text(of: token)
    guard !text.isEmpty, try advance(text) else { throw .refused(token: token) }
  }

  /// Goes on by a text.
  /// - Returns: false when the grammar does not take it; the state stays then.
  package func advance(_ text: some Sequence<UInt8>) throws(GrammarError) -> Bool {
    prepare()
    var reached = state
    for byte in text {
      reached = try automaton.next(reached, byte)
      if reached == LazyAutomaton.dead { return false }
    }
    state = reached
    return true
  }

  /// The tokens that the grammar takes next, one bit each, the lowest of a word first.
  /// - Parameter bits: `[vocabulary.wordCount]` or more; words beyond are cleared.
  /// - Throws: `GrammarError.tooAmbiguous`.
  package func fillMask(into bits: UnsafeMutableBufferPointer<UInt32>) throws(GrammarError) {
    precondition(bits.count >= vocabulary.wordCount, "a mask that is too short")
    prepare()
    let words = vocabulary.wordCount
    for word in words..<bits.count { bits[word] = 0 }
    if let slot = slotOf[state] {
      for word in 0..<words { bits[word] = masks[slot * words + word] }
      return
    }
    for word in 0..<words { bits[word] = 0 }
    try automaton.addTokens(state, of: vocabulary, to: bits, stack: &stack)
    keep(bits)
  }

  private func keep(_ bits: UnsafeMutableBufferPointer<UInt32>) {
    let words = vocabulary.wordCount
    if masks.isEmpty { masks = [UInt32](repeating: 0, count: Self.keptMasks * words) }
    if let old = slotOf.first(where: { $0.value == nextSlot })?.key { slotOf[old] = nil }
    for word in 0..<words { masks[nextSlot * words + word] = bits[word] }
    slotOf[state] = nextSlot
    nextSlot = (nextSlot + 1) % Self.keptMasks
  }

  private func prepare() {
    let count = automaton.count
    state = automaton.beginMask(keeping: state)
    if automaton.count < count { slotOf.removeAll(keepingCapacity: true) }
  }
}

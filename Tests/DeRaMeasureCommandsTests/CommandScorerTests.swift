import DeRaCommands
import DeRaKernels
import DeRaMeasureCommands
import DeRaPlatform
import FoundationEssentials
import Testing

/// Commands that score answers, and what they may do to the program that asks them.
@Suite struct CommandScorerTests {
  private func answer(_ text: String = "x") -> ScoredAnswer {
    ScoredAnswer(id: nil, prompt: "p", answer: text, lambda: "0", seed: 0, tokens: 1)
  }

  @Test func aLongAnswerIsScored() throws {
    let scorer = CommandScorer(name: "length", command: "while read -r line; do echo ${#line}; done")
    let long = String(repeating: "y", count: 300_000)
    let ends = try ["x", long].map { try scorer.score(answer($0)) }
    #expect(ends[1] - ends[0] == 299_999)
  }

  /// Both sides print more than a pipe holds before they read.
  @Test(.timeLimit(.minutes(5))) func aCommandThatPrintsTooMuchIsRefused() throws {
    let scorer = CommandScorer(
      name: "x", command: "head -c 300000 /dev/zero | tr '\\0' x; cat > /dev/null; echo 1")
    #expect(throws: RewardError.self) { try scorer.score(answer(String(repeating: "y", count: 300_000))) }
  }

  @Test func aSecondNumberIsRefused() throws {
    let scorer = CommandScorer(name: "x", command: "while read line; do echo 1; echo 2; done")
    #expect(throws: RewardError.self) {
      for _ in 0..<50 { _ = try scorer.score(answer()) }
      try scorer.finish()
    }
  }

  @Test func aCommandThatKeepsToItsAnswersFinishes() throws {
    let scorer = CommandScorer(name: "x", command: "while read line; do echo 1; done")
    for _ in 0..<3 { #expect(try scorer.score(answer()) == 1) }
    try scorer.finish()
  }

  @Test func theCommandGetsAllProcessors() throws {
    let allowed = Processors.current.allowed
    Processors.confine(to: [allowed[0]])
    defer { Processors.confine(to: allowed) }
    let scorer = CommandScorer(name: "x", command: "unset OMP_NUM_THREADS; while read line; do nproc; done")
    #expect(try scorer.score(answer()) == Double(allowed.count))
  }

  /// A command takes what it has started with it.
  @Test func nothingIsLeftRunning() throws {
    let number: Double = try {
      let scorer = CommandScorer(name: "x", command: "sleep 1000 & echo $!; cat > /dev/null")
      return try scorer.score(answer())
    }()
    let path = "/proc/\(Int(number))/stat"
    for _ in 0..<3000 {
      // A process that ended may wait for its parent to hear of it.
      guard let text = try? String(contentsOfFile: path, encoding: .utf8), !text.contains(") Z ") else { return }
      usleep(10_000)
    }
    Issue.record("process \(Int(number)) is still running")
  }
}

import ArgumentParser
import DeRaConsole
import Testing

@Suite struct SingleOptionsTests {
  private struct Inner: ParsableArguments {
    @Option(name: [.customShort("t"), .customLong("threads")], parsing: .unconditional) var threads = 1
  }

  private struct Command: ParsableCommand {
    @Option(name: .shortAndLong) var output = ""
    @Option(parsing: .unconditionalSingleValue) var lambda: [String] = []
    @Flag(name: .shortAndLong) var quiet = false
    @Flag(name: .shortAndLong) var verbose = false
    @OptionGroup var inner: Inner
    @Argument var words: [String] = []
  }

  @Test(
    arguments: [
      (["-o", "a", "-o", "b"], "--output"), (["--output", "a", "-o", "a"], "--output"),
      (["--output=a", "x", "--output", "b"], "--output"), (["-qo", "a", "-vo", "b"], "--output"),
      (["-t", "-1", "word", "--threads=3"], "--threads"),
      (["x", "--lambda", "1", "-o", "a", "-t", "1", "-t", "2"], "--threads"),
      (["-o", "a", "--threads", "2"], nil), (["--lambda", "1", "--lambda", "2"], nil), (["-q", "-q"], nil), ([], nil),
      // Values and what follows `--` are no options.
      (["-t", "-1", "--lambda", "-t", "--lambda", "--threads"], nil), (["-o", "a", "--", "-o", "b"], nil),
      (["-o", "o", "o"], nil),
    ] as [([String], String?)])
  func whatIsGivenTwiceIsFound(_ arguments: [String], _ option: String?) throws {
    _ = try Command.parse(arguments)
    #expect(SingleOptions(Command.self).repeated(in: arguments) == option)
  }
}

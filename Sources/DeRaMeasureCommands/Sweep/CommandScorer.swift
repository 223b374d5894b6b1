import DeRaConsole
import DeRaEvaluation
import DeRaPlatform

/// Asks a command that runs as long as the sweep: it gets one JSON line for an answer and prints one number for it.
package final class CommandScorer: Scorer {
  private let name: String
  private let command: String
  private var process: Running?
  /// Bytes that the command has printed and nobody has read.
  private var pending: [UInt8] = []
  private var hasAnswered = false

  private struct Running {
    let group: ProcessGroup
    /// Ends of pipes that do not block.
    var input: Int32
    let output: Int32
  }

  /// Longest time without a byte in either direction.
  private static let patience = Duration.seconds(120)
  /// How often Ctrl-C is looked for.
  private static let pollMilliseconds: Int32 = 100
  /// Longest line.
  private static let lineLimit = 4096
  /// How long lines are waited for after the last answer.
  private static let lastWords = Duration.seconds(10)
  /// How long a command may take to end at the end of its input, and again after SIGTERM.
  private static let endMilliseconds: UInt32 = 1000

  /// - Parameter command: run by `/bin/sh -c` when the first answer is scored.
  package init(name: String, command: String) {
    self.name = name
    self.command = command
  }

  deinit { stop() }

  /// - Throws: `RewardError`, and `Interrupted` after Ctrl-C.
  package func score(_ answer: ScoredAnswer) throws -> Double {
    let process = try process ?? start()
    let line = try exchange(Array(try jsonText(answer, pretty: false).utf8), with: process)
    let text = String(decoding: line, as: UTF8.self)
    let words = text.split(whereSeparator: \.isWhitespace)
    guard words.count == 1, let value = Double(words[0]), value.magnitude <= SweepMetric.magnitudeLimit else {
      throw RewardError.notANumber(name: name, line: String(text.prefix(80)))
    }
    return value
  }

  /// A command that prints two lines for an answer may be so slow that every answer still finds one line: the next one's are
  /// then the last one's. The lines that are left over tell.
  package func finish() throws {
    guard let process else { return }
    defer {
      stop()
      self.process = nil
    }
    close(process.input)
    self.process?.input = -1
    let end = ContinuousClock.now + Self.lastWords
    var isOpen = true
    while isOpen, pending.isEmpty, ContinuousClock.now < end {
      var ready = pollfd(fd: process.output, events: Int16(POLLIN), revents: 0)
      let count = poll(&ready, 1, Self.pollMilliseconds)
      try Interrupt.check()
      if count > 0 { isOpen = receive(from: process.output) }
    }
    guard pending.isEmpty else {
      throw failure(
        "printed more lines than it got answers, so that its numbers are not theirs: sweep anew into another folder")
    }
  }

  private func failure(_ what: String) -> RewardError { .command(name: name, command: command, what: what) }

  private func start() throws(RewardError) -> Running {
    var input: [Int32] = [-1, -1]
    var output: [Int32] = [-1, -1]
    guard pipe(&input) == 0 else { throw failure("could not be given a pipe") }
    guard pipe(&output) == 0 else {
      for descriptor in input { close(descriptor) }
      throw failure("could not be given a pipe")
    }
    for descriptor in input + output { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    for descriptor in [input[1], output[0]] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
    defer {
      close(input[0])
      close(output[1])
    }
    do throws(SystemCode) {
      let group = try ProcessGroup("/bin/sh", ["-c", command], input: input[0], output: output[1])
      let started = Running(group: group, input: input[1], output: output[0])
      process = started
      return started
    } catch {
      close(input[1])
      close(output[0])
      throw failure("could not be started (\(error))")
    }
  }

  /// Sends a line and reads the next one, without its line feed, both at once: a command that prints before it reads, or
  /// more than a pipe holds, waits for nobody.
  private func exchange(_ bytes: [UInt8], with process: Running) throws -> [UInt8] {
    // Before its first answer a command may print first and read later.
    if hasAnswered { _ = receive(from: process.output) }
    guard pending.isEmpty else { throw failure("printed more than one line for an answer") }
    // A command that has ended is an error to report, not the end of this program.
    let previous = signal(SIGPIPE, SIG_IGN)
    defer { signal(SIGPIPE, previous) }
    var sent = 0
    var last = ContinuousClock.now
    while true {
      if sent == bytes.count, let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
        defer { pending.removeFirst(end + 1) }
        hasAnswered = true
        return Array(pending[..<end])
      }
      guard pending.count <= Self.lineLimit else {
        throw RewardError.notANumber(name: name, line: String(decoding: pending.prefix(80), as: UTF8.self))
      }
      // A negative descriptor is not looked at.
      var ready = [
        pollfd(fd: process.output, events: Int16(POLLIN), revents: 0),
        pollfd(fd: sent < bytes.count ? process.input : -1, events: Int16(POLLOUT), revents: 0),
      ]
      let count = poll(&ready, 2, Self.pollMilliseconds)
      try Interrupt.check()
      guard count > 0 else {
        guard last.duration(to: .now) < Self.patience else {
          throw failure("printed nothing for \(Self.patience.components.seconds) s; it must flush after every line")
        }
        continue
      }
      last = .now
      if ready[0].revents != 0, !receive(from: process.output) {
        throw failure("ended without printing a number for an answer")
      }
      if ready[1].revents != 0 { sent += try send(bytes[sent...], to: process.input) }
    }
  }

  private func send(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) throws(RewardError) -> Int {
    let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    if count < 0 && (errno == EINTR || errno == EAGAIN) { return 0 }
    guard count > 0 else { throw failure("ended before it had read its input") }
    return count
  }

  /// Takes what the command has printed, if anything.
  /// - Returns: false at the end of its output.
  private func receive(from descriptor: Int32) -> Bool {
    var chunk = [UInt8](repeating: 0, count: 1024)
    let count = read(descriptor, &chunk, chunk.count)
    if count < 0 && (errno == EINTR || errno == EAGAIN) { return true }
    guard count > 0 else { return false }
    pending += chunk[..<count]
    return true
  }

  /// Closes the command's input and waits for its end; one that does not end is told to, and then made to.
  private func stop() {
    guard let process else { return }
    if process.input >= 0 { close(process.input) }
    close(process.output)
    if process.group.hasEnded(within: Self.endMilliseconds) { return }
    process.group.signal(SIGTERM)
    if process.group.hasEnded(within: Self.endMilliseconds) { return }
    process.group.signal(SIGKILL)
    process.group.wait()
  }
}

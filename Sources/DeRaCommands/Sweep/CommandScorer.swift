import DeRaConsole
import DeRaEvaluation
import DeRaPlatform
import FoundationEssentials

/// Asks a command that runs as long as the sweep: it gets one JSON line for an answer and prints one number for it.
final class CommandScorer: Scorer {
  private let name: String
  private let command: String
  private var process: (id: pid_t, input: Int32, output: Int32)?
  private var pending: [UInt8] = []

  /// Longest time for one number, and longest line.
  private static let timeoutMilliseconds: Int32 = 120_000
  private static let lineLimit = 4096

  /// - Parameter command: run by `/bin/sh -c` when the first answer is scored.
  init(name: String, command: String) {
    self.name = name
    self.command = command
  }

  deinit { stop() }

  func score(_ answer: ScoredAnswer) throws -> Double {
    let process = try process ?? start()
    try send(Array(try jsonText(answer, pretty: false).utf8), to: process.input)
    let line = String(decoding: try receive(from: process.output), as: UTF8.self)
    let word = line.split(whereSeparator: \.isWhitespace)
    guard word.count == 1, let value = Double(word[0]), value.magnitude <= SweepMetric.magnitudeLimit else {
      throw RewardError.notANumber(name: name, line: String(line.prefix(80)))
    }
    return value
  }

  private func failure(_ what: String) -> RewardError { .command(name: name, command: command, what: what) }

  private func start() throws(RewardError) -> (id: pid_t, input: Int32, output: Int32) {
    var input: [Int32] = [-1, -1]
    var output: [Int32] = [-1, -1]
    guard pipe(&input) == 0 else { throw failure("could not be given a pipe") }
    guard pipe(&output) == 0 else {
      for descriptor in input { close(descriptor) }
      throw failure("could not be given a pipe")
    }
    // Only the two ends that are handed over below outlive the start of this command or of another one.
    for descriptor in input + output { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input[0], 0)
    posix_spawn_file_actions_adddup2(&actions, output[1], 1)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // A group of its own: Ctrl-C is for this program, which ends the command by closing its input.
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    posix_spawnattr_setpgroup(&attributes, 0)
    var arguments: [UnsafeMutablePointer<CChar>?] = cStrings(["/bin/sh", "-c", command])
    defer { for text in arguments { free(text) } }
    var environment = cStrings(ProcessInfo.processInfo.environment.map { "\($0)=\($1)" })
    defer { for text in environment { free(text) } }
    var id: pid_t = 0
    let code = posix_spawn(&id, "/bin/sh", &actions, &attributes, &arguments, &environment)
    close(input[0])
    close(output[1])
    guard code == 0 else {
      close(input[1])
      close(output[0])
      throw failure("could not be started (\(String(cString: strerror(code))))")
    }
    let started = (id: id, input: input[1], output: output[0])
    process = started
    return started
  }

  private func send(_ bytes: [UInt8], to descriptor: Int32) throws(RewardError) {
    // A command that has ended is an error to report, not the end of this program.
    let previous = signal(SIGPIPE, SIG_IGN)
    defer { signal(SIGPIPE, previous) }
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure("ended before it had read its input") }
      done += count
    }
  }

  /// The next line of its output, without the line feed.
  private func receive(from descriptor: Int32) throws(RewardError) -> [UInt8] {
    while true {
      if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
        defer { pending.removeFirst(end + 1) }
        return Array(pending[..<end])
      }
      guard pending.count <= Self.lineLimit else {
        throw .notANumber(name: name, line: String(decoding: pending.prefix(80), as: UTF8.self))
      }
      var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let state = poll(&ready, 1, Self.timeoutMilliseconds)
      if state < 0 && errno == EINTR { continue }
      guard state > 0 else {
        throw failure("printed nothing for \(Self.timeoutMilliseconds / 1000) s; it must flush after every line")
      }
      var chunk = [UInt8](repeating: 0, count: 1024)
      let count = read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure("ended without printing a number for an answer") }
      pending += chunk[..<count]
    }
  }

  /// Closes the command's input and waits for its end.
  private func stop() {
    guard let process else { return }
    close(process.input)
    close(process.output)
    var status: Int32 = 0
    // It ends when its input does (0 is no signal); one that does not is told to, and then made to.
    for ending in [0, SIGTERM, SIGKILL] {
      kill(-process.id, ending)
      for _ in 0..<100 {
        if waitpid(process.id, &status, WNOHANG) != 0 { return }
        usleep(10_000)
      }
    }
  }
}

/// Copies for a C function that takes an array ending with nil; the caller frees them.
private func cStrings(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
  var copies: [UnsafeMutablePointer<CChar>?] = []
  for text in texts { copies.append(strdup(text)) }
  return copies + [nil]
}

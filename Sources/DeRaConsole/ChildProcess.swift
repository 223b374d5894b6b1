import DeRaPlatform
import FoundationEssentials

/// A program run to its end, without a shell; what it prints is collected.
package struct ChildProcess {
  let executable: String
  let arguments: [String]

  package init(executable: String, arguments: [String]) {
    self.executable = executable
    self.arguments = arguments
  }

  /// Far beyond any report; guards against a program that never stops printing.
  private static let outputLimit = 1 << 26
  /// How long a program may take to end after Ctrl-C.
  private static let patience = Duration.seconds(5)

  /// Runs the program until it ends. Ctrl-C (within `Interrupt.during`) ends it, too.
  /// - Parameter waiting: called a few times a second.
  /// - Returns: the child's standard output.
  /// - Throws: `ChildError` when it cannot start or fails, `Interrupted` after Ctrl-C.
  package func output(waiting: () -> Void = {}) throws -> [UInt8] {
    let output = try Pipe()
    let errors = try Pipe()
    let process = try start(output, errors)
    output.closeWriting()
    errors.closeWriting()
    var killTime: ContinuousClock.Instant?
    while output.isOpen || errors.isOpen {
      Pipe.collect([output, errors], milliseconds: 200)
      waiting()
      guard Interrupt.isRequested || output.bytes.count > Self.outputLimit else { continue }
      if killTime == nil { process.signal(SIGINT) }
      let since = killTime ?? .now
      killTime = since
      if since.duration(to: .now) > Self.patience { process.signal(SIGKILL) }
    }
    let status = process.wait()
    if Interrupt.isRequested { throw Interrupted() }
    guard status == 0 else { throw ChildError(self, status: status, errors: errors.bytes) }
    return output.bytes
  }

  private func start(_ output: Pipe, _ errors: Pipe) throws -> ProcessGroup {
    let input = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(input) }
    do throws(SystemCode) {
      return try ProcessGroup(
        executable, arguments, input: input, output: output.writing, errors: errors.writing)
    } catch {
      throw ChildError(self, startError: error.number)
    }
  }

  /// The command as a shell takes it.
  package var text: String { ([executable] + arguments).map(shellQuoted).joined(separator: " ") }

  /// The folder of this program.
  package static var folder: String {
    let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return own.lastIndex(of: "/").map { String(own[..<$0]) } ?? "."
  }
}

/// A word as a shell takes it, quoted where it must be.
package func shellQuoted(_ word: String) -> String {
  let plain = word.utf8.allSatisfy { byte in
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "0")...UInt8(ascii: "9"): true
    default: "-_./:=+,%@".utf8.contains(byte)
    }
  }
  return plain && !word.isEmpty ? word : "'\(word.replacing("'", with: "'\\''"))'"
}

/// A program that could not start or failed.
package struct ChildError: Error, CustomStringConvertible {
  package let description: String

  init(_ child: ChildProcess, startError code: Int32) {
    description = "cannot start \(child.executable): \(String(cString: strerror(code)))"
  }

  /// - Parameter status: as waitpid gives it.
  init(_ child: ChildProcess, status: Int32, errors: [UInt8]) {
    let end =
      status & 0x7F == 0 ? "failed with exit code \((status >> 8) & 0xFF)" : "was ended by signal \(status & 0x7F)"
    // Progress lines and remarks come first; what is wrong comes last.
    let lines = String(decoding: errors.suffix(4096), as: UTF8.self).split(separator: "\n").suffix(4)
    description = "\(child.text)\n  \(end)" + lines.map { "\n  \($0)" }.joined()
  }
}

/// One direction of talk with a child.
private final class Pipe {
  private var reading: Int32
  private(set) var writing: Int32
  private(set) var bytes: [UInt8] = []
  var isOpen: Bool { reading >= 0 }

  init() throws {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else {
      throw StreamError(description: "cannot make a pipe: \(String(cString: strerror(errno)))")
    }
    // Otherwise the child would hold its own output open.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    (reading, writing) = (ends[0], ends[1])
  }

  deinit {
    if reading >= 0 { close(reading) }
    closeWriting()
  }

  func closeWriting() {
    if writing >= 0 { close(writing) }
    writing = -1
  }

  /// Takes what has come, waiting at most so long for it.
  static func collect(_ pipes: [Pipe], milliseconds: Int32) {
    let open = pipes.filter(\.isOpen)
    var requests = open.map { pollfd(fd: $0.reading, events: Int16(POLLIN), revents: 0) }
    guard poll(&requests, nfds_t(requests.count), milliseconds) > 0 else { return }
    for (pipe, request) in zip(open, requests) where request.revents != 0 { pipe.take() }
  }

  private func take() {
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    let count = read(reading, &chunk, chunk.count)
    if count > 0 {
      bytes += chunk[..<count]
    } else if count == 0 || errno != EINTR {
      close(reading)
      reading = -1
    }
  }
}

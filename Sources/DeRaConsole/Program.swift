import ArgumentParser
import DeRaPlatform

/// A program's way from its arguments to its exit code: 0, 1 (failure), 64 (usage), or 128 and the number of the signal that ended it
/// (130 for Ctrl-C).
package enum Program {
  /// Parses the process's arguments, runs the command and ends the process.
  /// - Parameter arguments: parsed instead, without the program's name.
  package static func run(_ root: (some ParsableCommand).Type, arguments: [String]? = nil) -> Never {
    prepare(root)
    do {
      var command = try parsed(root, arguments)
      try command.run()
    } catch {
      end(root, error)
    }
    root.exit()
  }

  /// The same for a command that awaits.
  package static func run(_ root: (some AsyncParsableCommand).Type) async -> Never {
    prepare(root)
    do {
      var command = try parsed(root, nil)
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      end(root, error)
    }
    root.exit()
  }

  private static func parsed(
    _ root: (some ParsableCommand).Type, _ arguments: [String]?
  ) throws -> any ParsableCommand {
    let command = try root.parseAsRoot(arguments)
    let given = arguments ?? Array(CommandLine.arguments.dropFirst())
    if let option = SingleOptions(type(of: command)).repeated(in: given) {
      throw ValidationError("\(option) is given more than once and has one value; leave out all but one")
    }
    return command
  }

  private static func prepare(_ root: (some ParsableCommand).Type) {
    Interrupt.endQuietlyOnClosedPipe()
    checkArguments(root)
    UnreadableFiles.endProgram(named: root.configuration.commandName ?? "dera")
  }

  /// Swift's own list of the arguments has U+FFFD where they are not valid UTF-8: another text, or another file's name.
  private static func checkArguments(_ root: (some ParsableCommand).Type) {
    for index in 1..<max(1, Int(CommandLine.argc)) {
      guard let argument = CommandLine.unsafeArgv[index] else { return }
      let bytes = UnsafeRawBufferPointer(start: argument, count: strlen(argument))
      do throws(FileError) { _ = try utf8Text(bytes, path: "argument \(index)") } catch {
        Output.error("\(error)")
        root.exit(withError: ExitCode.validationFailure)
      }
    }
  }

  private static func end(_ root: (some ParsableCommand).Type, _ error: any Error) -> Never {
    switch error {
    case is Interrupted: root.exit(withError: ExitCode.interrupted)
    case _ where root.exitCode(for: error).isSuccess: show(root.fullMessage(for: error))
    // Usage and codes are the parser's to show; an error that a running command finds has no usage line, since the
    // parser no longer knows which command it was.
    case let error as ValidationError:
      Output.error(error.message)
      root.exit(withError: ExitCode.validationFailure)
    case is ExitCode: root.exit(withError: error)
    case _ where root.exitCode(for: error) != .failure: root.exit(withError: error)
    default:
      Output.error(errorText(error))
      root.exit(withError: ExitCode.failure)
    }
  }

  /// Help and versions, which the parser would print without looking whether they arrive.
  private static func show(_ text: String) -> Never {
    do {
      if !text.isEmpty { try Output.write(text + "\n") }
    } catch {
      Output.error(errorText(error))
      exit(ExitCode.failure.rawValue)
    }
    exit(ExitCode.success.rawValue)
  }
}

extension ExitCode {
  /// A shell's code for a program that a signal ended: 130 for Ctrl-C, 143 for SIGTERM, 129 for SIGHUP.
  package static var interrupted: ExitCode { ExitCode(128 + Interrupt.number) }
}

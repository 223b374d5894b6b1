import DeRaPlatform

/// The programs and data under test: the bundle that `DERA_BENCHMARK_BUNDLE` names, or the one this repository ships,
/// and the `dera` that `DERA` names, or the one built beside it.
enum Target {
  static let bundle = variable("DERA_BENCHMARK_BUNDLE") ?? root + "/quantized-models/storyteller/storyteller.dera"
  static let program = variable("DERA") ?? root + "/.build/release/dera"

  private static let root = String(
    #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4).joined(separator: "/"))

  private static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
}

/// Runs a program to its end, its output thrown away, and returns its exit status, or the error that starting it gave.
func run(_ arguments: [String]) -> Int32 {
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  for descriptor in [STDOUT_FILENO, STDERR_FILENO] {
    posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0)
  }
  var pointers = arguments.map { strdup($0) } + [nil]
  defer { for pointer in pointers { free(pointer) } }
  var process = pid_t()
  let code = posix_spawn(&process, arguments[0], &actions, nil, &pointers, environ)
  guard code == 0 else { return code }
  var status: Int32 = 0
  while waitpid(process, &status, 0) == -1 && errno == EINTR {}
  return status
}

import DeRaConsole
import Testing

@Suite struct ChildProcessTests {
  private func shell(_ script: String) -> ChildProcess {
    ChildProcess(executable: "/bin/sh", arguments: ["-c", script])
  }

  @Test func outputIsCollected() throws {
    let text = try shell("echo one; echo two >&2; printf three").output()
    #expect(text == Array("one\nthree".utf8))
    let count = 300_000
    let long = try shell("head -c \(count) /dev/zero; head -c \(count) /dev/zero >&2").output()
    #expect(long.count == count)
  }

  @Test func failuresSayWhatTheProgramSaid() {
    let failure = #expect(throws: ChildError.self) {
      try shell("echo progress >&2; echo 'no such model' >&2; exit 3").output()
    }
    #expect(failure?.description.contains("exit code 3") == true)
    #expect(failure?.description.hasSuffix("\n  no such model") == true)
    let killed = #expect(throws: ChildError.self) { try shell("kill -9 $$").output() }
    #expect(killed?.description.contains("signal 9") == true)
    let missing = #expect(throws: ChildError.self) {
      try ChildProcess(executable: "/nonexistent/program", arguments: []).output()
    }
    #expect(missing?.description.contains("/nonexistent/program: No such file") == true)
  }

  @Test func wordsAreQuotedForTheShell() throws {
    #expect(shellQuoted("a/b=1.0,x:y") == "a/b=1.0,x:y" && shellQuoted("") == "''")
    for word in ["two words", "it's", "$HOME", "a;b", "\"x\""] {
      let echoed = try shell("printf %s \(shellQuoted(word))").output()
      #expect(echoed == Array(word.utf8))
    }
  }
}

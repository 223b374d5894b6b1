import DeRaCommands
import DeRaTestSupport
import FoundationEssentials
import Testing

@Suite struct ChatHistoryTests {
  @Test func linesComeBackInAnotherChat() throws {
    let folder = try TemporaryDirectory()
    let history = ChatHistory(path: "\(folder.path)/state/dera/history")
    #expect(history.load() == [])
    let lines = ["hello", "two\nlines", "back\\slash \\n", "日本"]
    for line in lines { history.append(line) }
    #expect(ChatHistory(path: history.path).load() == lines)
    let mode = try FileManager.default.attributesOfItem(atPath: history.path)[.posixPermissions] as? Int
    #expect(mode == 0o600)
  }

  @Test func onlyTheNewestAreKept() throws {
    let folder = try TemporaryDirectory()
    let path = try folder.write("history", (0..<2500).map { "\($0)\n" }.joined())
    let lines = ChatHistory(path: path).load()
    #expect(lines.count == ChatHistory.limit && lines.last == "2499")
    #expect(try folder.data("history").count { $0 == 10 } == ChatHistory.limit)
  }
}

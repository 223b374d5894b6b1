import DeRa
import Testing

@Suite struct ProcessMemoryTests {
  @Test func readsTheKernelsText() {
    let status = "Name:\tdera\nVmHWM:\t   12 kB\nVmRSS:\t    9 kB\nRssAnon:\t    4 kB\nRssFile:\t    5 kB\n"
    let memory = ProcessMemory(status: status)
    #expect(memory?.peakBytes == 12_288 && memory?.anonymousBytes == 4096 && memory?.fileBytes == 5120)
    #expect(ProcessMemory(status: "VmHWM: x kB\n") == nil)
    #expect(ProcessMemory(status: "") == nil)
  }

  @Test func thisProcessUsesMemory() throws {
    let memory = try #require(ProcessMemory.current())
    #expect(memory.peakBytes >= memory.anonymousBytes && memory.anonymousBytes > 0)
  }
}

import DeRaPlatform
import Testing

@Suite struct SystemFactsTests {
  private let machine = "MemTotal:  1000 kB\nMemAvailable:  600 kB\nSwapTotal:  0 kB\nSwapFree:  0 kB\n"

  @Test func memoryIsTheKernels() {
    let memory = MachineMemory { ["/proc/meminfo": machine][$0] }
    #expect(memory.total == 1_024_000)
    #expect(memory.usable == 614_400)
    #expect(memory.swapTotal == 0)
    #expect(memory.limit == nil)
  }

  /// The smallest limit of the group and those around it counts, in both versions.
  @Test(
    arguments: [
      (
        [
          "/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "max\n",
          "/sys/fs/cgroup/a/memory.max": "5000\n",
        ], 5000
      ),
      (["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "7000\n"], 7000),
      (
        [
          "/proc/self/cgroup": "9:memory:/x\n3:cpu:/y\n", "/sys/fs/cgroup/memory/x/memory.limit_in_bytes": "9000\n",
          "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        ], 9000
      ),
      (["/proc/self/cgroup": "3:cpu:/y\n", "/sys/fs/cgroup/memory/y/memory.limit_in_bytes": "9000\n"], nil),
    ] as [([String: String], Int?)])
  func memoryIsLimitedByControlGroups(files: [String: String], limit: Int?) {
    let memory = MachineMemory { (files.merging(["/proc/meminfo": machine]) { first, _ in first })[$0] }
    #expect(memory.limit == limit)
    #expect(memory.usable == limit ?? 614_400)
  }

  @Test func aMachineThatTellsNothing() {
    let memory = MachineMemory { _ in nil }
    #expect(memory.total == nil && memory.usable == nil && memory.limit == nil)
  }

  /// This machine's own files.
  @Test func theSystemsFilesAreRead() throws {
    #expect(systemText("/proc/self/none") == nil)
    let total = try #require(MachineMemory().total)
    #expect(total > 1 << 20)
  }
}

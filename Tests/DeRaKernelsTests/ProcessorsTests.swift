import DeRaKernels
import Testing

@Suite struct ProcessorsTests {
  private func processors(_ allowed: [Int], _ files: [String: String] = [:]) -> Processors {
    Processors(allowed: allowed) { files[$0] }
  }

  private func cpu(_ index: Int, _ file: String) -> String { "/sys/devices/system/cpu/cpu\(index)/\(file)" }

  @Test func withoutAnyFileAllAreEqual() {
    let found = processors([1, 3])
    #expect(found.preferred == [1, 3])
    #expect(found.quota == nil)
    #expect(found.threads == 2)
  }

  /// The RK3588's: four A55 and four A76, whose numbers come last.
  @Test func bigCoresComeFirstAndLittleOnesAreLeftOut() {
    var files: [String: String] = [:]
    for index in 0..<8 { files[cpu(index, "cpu_capacity")] = index < 4 ? "398\n" : index < 6 ? "1010\n" : "1024\n" }
    #expect(processors(Array(0..<8), files).preferred == [6, 7, 4, 5])
    #expect(processors([0, 1, 5], files).preferred == [5])
    #expect(processors([0, 1, 2, 3], files).preferred == [0, 1, 2, 3])
  }

  @Test func frequenciesStandInForCapacities() {
    let files = [cpu(0, "cpufreq/cpuinfo_max_freq"): "1000000\n", cpu(1, "cpufreq/cpuinfo_max_freq"): "2400000\n"]
    #expect(processors([0, 1], files).preferred == [1])
  }

  @Test func aCoreCountsOnce() {
    var files: [String: String] = [:]
    for index in 0..<8 { files[cpu(index, "topology/thread_siblings_list")] = "\(index % 4),\(index % 4 + 4)\n" }
    #expect(processors(Array(0..<8), files).preferred == [0, 1, 2, 3])
    #expect(processors([4, 5, 1], files).preferred == [4, 5])
    files[cpu(2, "topology/thread_siblings_list")] = "2-3\n"
    files[cpu(3, "topology/thread_siblings_list")] = "2-3\n"
    #expect(processors([2, 3], files).preferred == [2])
  }

  @Test(
    arguments: [
      ("max 100000\n", nil), ("150000 100000\n", 2), ("100000 100000\n", 1), ("50000 100000", 1), ("x", nil),
      ("0 0", nil),
    ] as [(String, Int?)]) func theGroupsTimeLimitsThreads(limit: String, quota: Int?)
  {
    let files = ["/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/cpu.max": limit]
    let found = processors([0, 1, 2, 3], files)
    #expect(found.quota == quota)
    #expect(found.threads == quota ?? 4)
  }

  @Test func theTightestGroupCounts() {
    let files = [
      "/proc/self/cgroup": "1:name=systemd:/\n0::/a/b\n", "/sys/fs/cgroup/a/b/cpu.max": "300000 100000\n",
      "/sys/fs/cgroup/a/cpu.max": "200000 100000\n", "/sys/fs/cgroup/cpu.max": "max 100000\n",
    ]
    #expect(processors([0, 1, 2, 3], files).quota == 2)
    #expect(processors([0, 1], ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "1 1\n"]).quota == 1)
  }

  /// Version 1, as `docker run --cpus=2` sets it: a container sees its own group as the root.
  @Test(
    arguments: [
      ("200000", "100000", 2), ("150000\n", "100000\n", 2), ("-1\n", "100000\n", nil), ("50000", "50000", 1),
      ("200000", "0", nil), ("x", "100000", nil),
    ] as [(String, String, Int?)]) func olderGroupsLimitToo(time: String, period: String, quota: Int?)
  {
    for (line, folder) in [
      ("4:cpu,cpuacct:/docker/1f\n", "cpu,cpuacct/docker/1f"), ("4:cpu,cpuacct:/docker/1f\n", "cpu,cpuacct"),
      ("4:cpuacct,cpu:/docker/1f\n", "cpu"), ("11:memory:/m\n3:cpu:/a\n", "cpu/a"), ("3:cpu:/\n0::/\n", "cpu"),
    ] {
      let files = [
        "/proc/self/cgroup": line, "/sys/fs/cgroup/\(folder)/cpu.cfs_quota_us": time,
        "/sys/fs/cgroup/\(folder)/cpu.cfs_period_us": period,
      ]
      #expect(processors([0, 1, 2, 3], files).quota == quota, "\(line)")
    }
    let other = ["/proc/self/cgroup": "4:cpuset:/a\n", "/sys/fs/cgroup/cpuset/a/cpu.cfs_quota_us": "100000"]
    #expect(processors([0, 1], other).quota == nil)
  }

  @Test func thisMachineHasAtLeastOne() {
    #expect(!Processors.current.preferred.isEmpty)
    #expect(Processors.current.preferred.allSatisfy(Processors.current.allowed.contains))
    #expect((1...Processors.current.allowed.count).contains(Processors.current.threads))
  }
}

internal import CDeRaScheduling
import DeRaPlatform

/// The processors a process may use, and which of them its threads should.
package struct Processors: Sendable, Equatable {
  /// The processors that the affinity mask allows.
  package let allowed: [Int]
  /// One of every fast core, fastest first.
  ///
  /// A core's second hardware thread adds nothing to work that waits for memory. A core of less than half the fastest
  /// one's capacity would hold up the others at the end of every job.
  package let preferred: [Int]
  /// Processors' worth of time that the cgroup grants, rounded up; nil without a limit.
  package let quota: Int?

  /// The processors that the calling thread may use. Read once, before anything is confined.
  package static let current = Processors(allowed: allowedProcessors(), read: systemText)

  /// - Parameters:
  ///   - allowed: not empty.
  ///   - read: the text of a file of /sys or /proc, nil where there is none.
  package init(allowed: [Int], read: (String) -> String?) {
    let capacities = allowed.map { Self.capacity($0, read) ?? 0 }
    let fastest = capacities.max() ?? 0
    var preferred: [(processor: Int, capacity: Int)] = []
    for (processor, capacity) in zip(allowed, capacities) where capacity * 2 >= fastest {
      let siblings = read("\(Self.folder)/cpu\(processor)/topology/thread_siblings_list").map(Self.list) ?? []
      if !preferred.contains(where: { siblings.contains($0.processor) }) { preferred.append((processor, capacity)) }
    }
    preferred.sort { ($1.capacity, $0.processor) < ($0.capacity, $1.processor) }
    self.allowed = allowed
    self.preferred = preferred.map(\.processor)
    quota = Self.quota(read)
  }

  /// Threads that use what there is: one for every preferred core, fewer where the cgroup grants less.
  package var threads: Int { max(1, min(preferred.count, quota ?? preferred.count)) }

  /// Where each of `threads` threads should run; nil where the system knows best.
  ///
  /// As many threads as cores get one core each: a scheduler that balances whole sessions (autogroup) otherwise puts two
  /// of them on one core when another session keeps a core busy. Fewer threads may move among the preferred cores, so
  /// that they get out of the way of other work; more threads than cores are left alone.
  func places(threads: Int) -> [[Int]]? {
    if threads == preferred.count && threads > 1 { return preferred.map { [$0] } }
    if threads < preferred.count && preferred.count < allowed.count {
      return Array(repeating: preferred, count: threads)
    }
    return nil
  }

  /// Lets the calling thread run on some processors only; what the system refuses stays as it was.
  package static func confine(to processors: [Int]) {
    let mask = mask(of: processors)
    _ = cs_confine(mask, mask.count)
  }

  /// The processors that this process was given, for a program that it starts: the calling thread's own may be fewer.
  package var allowedMask: [UInt64] { Self.mask(of: allowed) }

  private static func mask(of processors: [Int]) -> [UInt64] {
    var mask = [UInt64](repeating: 0, count: maskWords)
    for processor in processors where processor < maskWords * 64 { mask[processor / 64] |= 1 << (processor % 64) }
    return mask
  }

  private static let folder = "/sys/devices/system/cpu"
  /// 1024 processors, as in the C library's own masks.
  private static let maskWords = 16

  private static func allowedProcessors() -> [Int] {
    var mask = [UInt64](repeating: 0, count: maskWords)
    if cs_allowed(&mask, mask.count) == 0 {
      let processors = (0..<maskWords * 64).filter { (number: Int) -> Bool in
        let word: UInt64 = mask[number / 64] >> UInt64(number % 64)
        return word & 1 == 1
      }
      if !processors.isEmpty { return processors }
    }
    return Array(0..<max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))))
  }

  /// How fast a processor is compared with the others: what the kernel says (ARM), else its highest frequency.
  private static func capacity(_ processor: Int, _ read: (String) -> String?) -> Int? {
    for file in ["cpu_capacity", "cpufreq/cpuinfo_max_freq"] {
      if let capacity = read("\(folder)/cpu\(processor)/\(file)").flatMap({ Int(firstWord($0)) }) { return capacity }
    }
    return nil
  }

  /// The numbers of `0-3,8`.
  private static func list(_ text: String) -> [Int] {
    firstWord(text).split(separator: ",").flatMap { part -> [Int] in
      let ends = part.split(separator: "-").compactMap { Int($0) }
      guard let first = ends.first, let last = ends.last, first <= last, last - first < 4096 else { return [] }
      return Array(first...last)
    }
  }

  /// The smallest of the limits that the process's cgroups and those around them set: version 2's cpu.max, version 1's
  /// cpu.cfs_quota_us and cpu.cfs_period_us.
  private static func quota(_ read: (String) -> String?) -> Int? {
    ControlGroup.all(limiting: "cpu", read: read)
      .compactMap { $0.isVersion2 ? currentLimit($0.folder, read) : olderLimit($0.folder, read) }.min()
  }

  private static func currentLimit(_ group: String, _ read: (String) -> String?) -> Int? {
    let words = read("\(group)/cpu.max")?.split { $0 == " " || $0 == "\n" } ?? []
    return words.count == 2 ? processors(Int(words[0]), Int(words[1])) : nil
  }

  private static func olderLimit(_ group: String, _ read: (String) -> String?) -> Int? {
    func number(_ file: String) -> Int? { read("\(group)/\(file)").flatMap { Int(firstWord($0)) } }
    return processors(number("cpu.cfs_quota_us"), number("cpu.cfs_period_us"))
  }

  /// Whole processors that give so much time in a period; nil where there is no limit (max, or −1).
  private static func processors(_ time: Int?, _ period: Int?) -> Int? {
    guard let time, let period, time > 0, period > 0 else { return nil }
    return (time - 1) / period + 1
  }

  private static func firstWord(_ text: String) -> Substring { text.prefix { $0 != "\n" && $0 != " " } }
}

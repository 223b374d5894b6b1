/// The text of a file of /proc or /sys, its first 4,096 bytes; nil where there is none.
package func systemText(_ path: String) -> String? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var buffer = [UInt8](repeating: 0, count: 4096)
  let count = read(descriptor, &buffer, buffer.count)
  return count > 0 ? String(decoding: buffer.prefix(count), as: UTF8.self) : nil
}

/// The control group that a process is in, or one around it.
package struct ControlGroup: Equatable {
  /// The group's folder below /sys/fs/cgroup.
  package let folder: String
  package let isVersion2: Bool

  /// The groups that may limit the process, innermost first in each hierarchy.
  /// - Parameters:
  ///   - controller: a name of version 1, such as `cpu` or `memory`.
  ///   - read: the text of a file of /sys or /proc, nil where there is none.
  package static func all(limiting controller: String, read: (String) -> String? = systemText) -> [ControlGroup] {
    let lines = read("/proc/self/cgroup")?.split(separator: "\n") ?? []
    return lines.flatMap { line -> [ControlGroup] in
      // number:controllers:path, without controllers in version 2.
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3, fields[2].hasPrefix("/") else { return [] }
      let controllers = fields[1].split(separator: ",")
      if fields[0] == "0", controllers.isEmpty { return groups(fields[2], in: "/sys/fs/cgroup", isVersion2: true) }
      guard controllers.contains(where: { $0 == controller }) else { return [] }
      // A container sees its own group where others see all of them.
      return [controller, "\(fields[1])"].flatMap { groups(fields[2], in: "/sys/fs/cgroup/\($0)", isVersion2: false) }
    }
  }

  /// A group and those around it.
  private static func groups(_ path: Substring, in folder: String, isVersion2: Bool) -> [ControlGroup] {
    var path = path == "/" ? "" : path
    var found: [ControlGroup] = []
    while true {
      found.append(ControlGroup(folder: folder + path, isVersion2: isVersion2))
      guard let slash = path.lastIndex(of: "/") else { return found }
      path = path[..<slash]
    }
  }
}

/// The memory of the machine, as far as this process may use it.
package struct MachineMemory: Equatable {
  /// Bytes; nil where the system does not tell.
  package let total, available, swapTotal, swapFree: Int?
  /// Bytes that the process's control groups grant; nil without a limit.
  package let limit: Int?

  package init(read: (String) -> String? = systemText) {
    let lines = read("/proc/meminfo")?.split(separator: "\n") ?? []
    func bytes(_ name: String) -> Int? {
      // MemTotal:       24610956 kB
      let line = lines.first { $0.hasPrefix("\(name):") }
      return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }
    total = bytes("MemTotal")
    available = bytes("MemAvailable")
    swapTotal = bytes("SwapTotal")
    swapFree = bytes("SwapFree")
    let limits = ControlGroup.all(limiting: "memory", read: read).compactMap { group in
      // Version 2 says max, version 1 a number near 2⁶³ where there is no limit.
      read("\(group.folder)/\(group.isVersion2 ? "memory.max" : "memory.limit_in_bytes")")
        .flatMap { Int($0.prefix { $0 != "\n" }) }
    }
    limit = limits.filter { $0 < 1 << 60 }.min()
  }

  /// Bytes that a program can take now without pushing others out.
  package var usable: Int? { available.map { min($0, limit ?? $0) } ?? limit }
}

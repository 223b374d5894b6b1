import DeRa
import DeRaKernels
import DeRaPlatform
import DeRaText

/// The report of `dera doctor`; `--json` prints it as it is.
package struct DoctorReport: Encodable {
  package struct Machine: Encodable, Equatable {
    /// The board's or the processor's name; nil where the system does not tell.
    package var model: String?
    package var processors, threads: Int
    /// Processors' worth of time that the control group grants.
    package var processorLimit: Int?
    package var instructionSet: String
    package var pageBytes: Int
    package var memoryBytes, availableBytes, memoryLimit, swapBytes: Int?
    /// The hottest sensor, in degrees Celsius.
    package var temperature: Double?
    /// The complaints of a Raspberry Pi's firmware: too little voltage, throttled.
    package var complaints: [String]
  }

  /// One bundle on this machine.
  package struct Bundle: Encodable, Equatable {
    package var path: String
    package var fileBytes: Int
    package var models: [String]
    /// Bytes that a session of `context` tokens takes with its program.
    package var neededBytes: Int
    package var context: Int
    /// Tokens a second that the memory's rate allows at most: one model alone, and all side by side.
    package var mostTokensPerSecondAlone, mostTokensPerSecond: Double

    package init(
      path: String, fileBytes: Int, models: [String], neededBytes: Int, context: Int, mostTokensPerSecondAlone: Double,
      mostTokensPerSecond: Double
    ) {
      self.path = path
      self.fileBytes = fileBytes
      self.models = models
      self.neededBytes = neededBytes
      self.context = context
      self.mostTokensPerSecondAlone = mostTokensPerSecondAlone
      self.mostTokensPerSecond = mostTokensPerSecond
    }
  }

  package var machine: Machine
  package var bandwidth: [Bandwidth]
  package var bundles: [Bundle]
  /// Files that are no bundles, each with the reason.
  package var refused: [String]
  package var advice: [String]

  package init(
    machine: Machine, bandwidth: [Bandwidth] = [], bundles: [Bundle] = [], refused: [String] = [], advice: [String] = []
  ) {
    self.machine = machine
    self.bandwidth = bandwidth
    self.bundles = bundles
    self.refused = refused
    self.advice = advice
  }

  /// The highest rate measured; 0 where none was.
  package var bytesPerSecond: Double { bandwidth.map(\.bytesPerSecond).max() ?? 0 }
}

extension DoctorReport.Machine {
  /// - Parameter read: the text of a file of /sys or /proc, nil where there is none.
  package init(
    processors: Processors = .current, instructionSet: String, read: (String) -> String? = systemText
  ) {
    let memory = MachineMemory(read: read)
    self.init(
      model: Self.model(read), processors: processors.allowed.count, threads: processors.threads,
      processorLimit: processors.quota, instructionSet: instructionSet, pageBytes: Int(sysconf(Int32(_SC_PAGESIZE))),
      memoryBytes: memory.total, availableBytes: memory.usable, memoryLimit: memory.limit,
      swapBytes: memory.swapTotal, temperature: Self.temperature(read), complaints: Self.complaints(read))
  }

  private static func model(_ read: (String) -> String?) -> String? {
    if let board = read("/proc/device-tree/model") { return String(board.prefix { $0 != "\0" && $0 != "\n" }) }
    let line = read("/proc/cpuinfo")?.split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":", maxSplits: 1).last.map { String($0.drop { $0 == " " }) }
  }

  private static func temperature(_ read: (String) -> String?) -> Double? {
    let zones = (0..<32).compactMap { read("/sys/class/thermal/thermal_zone\($0)/temp") }
    return zones.compactMap { Int($0.prefix { $0 != "\n" }) }.max().map { Double($0) / 1000 }
  }

  /// The bits of get_throttled, as the Raspberry Pi's documentation of vcgencmd lists them.
  private static func complaints(_ read: (String) -> String?) -> [String] {
    let text = read("/sys/devices/platform/soc/soc:firmware/get_throttled")
    guard let bits = text.flatMap({ Int($0.prefix { $0.isHexDigit }, radix: 16) }) else { return [] }
    let meanings = [
      (0, "too little voltage now"), (1, "the clock is capped now"), (2, "throttled now"),
      (3, "near the temperature limit now"), (16, "too little voltage since the start"),
      (17, "the clock was capped since the start"), (18, "throttled since the start"),
      (19, "was near the temperature limit since the start"),
    ]
    return meanings.filter { bits >> $0.0 & 1 == 1 }.map(\.1)
  }
}

import DeRaText

extension DoctorReport {
  /// The report for people.
  package var text: String {
    ([machineText, bandwidthText, bundleText] + [adviceText].filter { !$0.isEmpty }).joined(separator: "\n")
  }

  private var machineText: String {
    func size(_ bytes: Int?) -> String { bytes.map(byteText) ?? "unknown" }
    var rows = [
      ("machine", machine.model ?? "unknown"),
      ("processors", "\(machine.processors), " + counted(machine.threads, "thread") + " used"),
      ("instruction set", machine.instructionSet), ("page", "\(machine.pageBytes / 1024) KiB"),
      ("memory", "\(size(machine.memoryBytes)), \(size(machine.availableBytes)) to be had now"),
      ("swap", machine.swapBytes == 0 ? "none" : size(machine.swapBytes)),
    ]
    if let limit = machine.processorLimit { rows[1].1 += "; the control group grants \(limit)" }
    if let limit = machine.memoryLimit { rows[4].1 += "; the control group grants \(byteText(limit))" }
    if let temperature = machine.temperature { rows.append(("temperature", "\(fixed(temperature, 1)) °C")) }
    return rows.map { pad($0.0, to: 17, .left) + $0.1 + "\n" }.joined()
  }

  private var bandwidthText: String {
    bandwidth.map {
      "memory is read at \(fixed($0.bytesPerSecond / 1e9, 1)) GB/s by \(counted($0.threads, "thread"))\n"
    }
    .joined()
  }

  private var bundleText: String {
    guard !bundles.isEmpty else { return "No bundles here; dera-quantize makes one of a checkpoint.\n" }
    var table = Table([
      .init("bundle", .left), .init("size"), .init("takes"), .init("one model, at most"), .init("blended, at most"),
    ])
    table.rows = bundles.map { bundle in
      [
        bundle.path, byteText(bundle.fileBytes), byteText(bundle.neededBytes),
        "\(significant(bundle.mostTokensPerSecondAlone)) tokens/s",
        bundle.models.count > 1 ? "\(significant(bundle.mostTokensPerSecond)) tokens/s" : "–",
      ]
    }
    return table.lines.map { $0 + "\n" }.joined()
      + "At most: the memory's rate divided by the weights that a token reads. dera bench measures what is reached.\n"
  }

  private var adviceText: String { (refused + advice).map { "- \($0)\n" }.joined() }
}

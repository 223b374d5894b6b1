/// The device that a bundle is chosen for.
package struct Device: Sendable, Equatable {
  /// `pi4-2gb`
  package var name: String
  /// `a Raspberry Pi 4 with 2 GB`
  package var title: String
  /// Bytes that the model may take: all memory but what the system and other programs need.
  package var memoryBytes: Int
  /// Bytes of weights that all cores together can read a second; nil where that was not measured.
  package var bandwidth: Double?

  /// Whether the measured rates are this device's own.
  package var isHere = false

  package init(name: String, title: String, memoryBytes: Int, bandwidth: Double? = nil) {
    self.name = name
    self.title = title
    self.memoryBytes = memoryBytes
    self.bandwidth = bandwidth
  }

  /// Tokens a second that the device writes at most: its memory's rate bounds it. nil where nothing is known.
  package func rate(of result: FrontierResult) -> Double? {
    if isHere { return result.rate.median }
    guard let bandwidth, result.readBytesPerToken > 0 else { return nil }
    return bandwidth / Double(result.readBytesPerToken)
  }

  /// Leaves 190 MB to a system without a desktop on the smallest board, 300 MB and 600 MB on the larger ones. Bandwidths
  /// are those of ARCHITECTURE.md, "Kernels on small boards".
  package static let known = [
    Device(name: "pi-zero-2w", title: "a Raspberry Pi Zero 2 W", memoryBytes: 320_000_000),
    Device(name: "pi4-2gb", title: "a Raspberry Pi 4 with 2 GB", memoryBytes: 1_700_000_000, bandwidth: 3.4e9),
    Device(name: "pi5-8gb", title: "a Raspberry Pi 5 with 8 GB", memoryBytes: 7_400_000_000, bandwidth: 11e9),
  ]

  /// Reads a name of `known`, or a number of megabytes.
  /// - Throws: `FrontierError.unknownDevice`.
  package init(_ text: String) throws(FrontierError) {
    if let device = Self.known.first(where: { $0.name == text }) {
      self = device
    } else if let megabytes = Int(text), (1...1_000_000_000).contains(megabytes) {
      self.init(
        name: text, title: "the device",
        memoryBytes: megabytes * 1_000_000)
    } else {
      throw .unknownDevice(text)
    }
  }
}

import DeRaCommands
import DeRaConsole
import DeRaKernels
import DeRaTestSupport
import FoundationEssentials
import Testing

@Suite struct DoctorTests {
  private func machine(_ files: [String: String]) -> DoctorReport.Machine {
    DoctorReport.Machine(
      processors: Processors(allowed: [0, 1], read: { files[$0] }), instructionSet: "neon", read: { files[$0] })
  }

  @Test func aBoardSaysItsNameAndItsComplaints() {
    let board = machine([
      "/proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
      "/sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
      "/sys/class/thermal/thermal_zone0/temp": "61250\n", "/sys/class/thermal/thermal_zone1/temp": "84500\n",
    ])
    #expect(board.model == "Raspberry Pi 5 Model B Rev 1.0")
    #expect(board.temperature == 84.5)
    #expect(
      board.complaints == [
        "too little voltage now", "throttled now", "too little voltage since the start", "throttled since the start",
      ])
    #expect(machine([:]).complaints.isEmpty)
  }

  @Test func theReportIsForPeopleAndPrograms() throws {
    let files = ["/proc/meminfo": "MemTotal: 1000000 kB\nMemAvailable: 500000 kB\nSwapTotal: 0 kB\n"]
    let report = DoctorReport(
      machine: machine(files), bandwidth: [Bandwidth(threads: 2, bytesPerSecond: 10.25e9)],
      bundles: [
        DoctorReport.Bundle(
          path: "a.dera", fileBytes: 1_000_000, models: ["a", "b"], neededBytes: 3_000_000, context: 512,
          mostTokensPerSecondAlone: 100, mostTokensPerSecond: 51.2)
      ], refused: [], advice: ["do this"])
    #expect(report.text.contains("memory           1.0 GB, 512 MB to be had now\n"))
    #expect(report.text.contains("swap             none\n"))
    #expect(report.text.contains("by 2 threads"))
    #expect(report.text.contains("a.dera"))
    #expect(report.text.hasSuffix("- do this\n"))
    let json = try jsonText(report)
    #expect(json.contains("\"most_tokens_per_second_alone\""))
  }

  /// Every folder once, and a link to a bundle that was found is not another one.
  @Test func bundlesAreFoundOnce() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("a.dera")
    _ = try folder.write("a.dera", "")
    try FileManager.default.createSymbolicLink(atPath: folder.file("b.dera"), withDestinationPath: path)
    _ = try folder.write("c.txt", "")
    #expect(FoundBundles.paths(in: [folder.path, folder.path, "/none"]) == [path])
    #expect(FoundBundles.folders(environment: ["HOME": "/h"])[1] == "/h/.local/share/dera")
    #expect(FoundBundles.folders(environment: ["HOME": "/h", "XDG_DATA_HOME": "/x"])[1] == "/x/dera")
    // The specification of XDG ignores a relative path.
    #expect(FoundBundles.folders(environment: ["HOME": "/h", "XDG_DATA_HOME": "x"])[1] == "/h/.local/share/dera")
  }

  /// A rate, whatever the machine: more than a tape, less than any memory.
  @Test func memoryIsRead() throws {
    let rate = try Bandwidth.measure(threads: 2, byteCount: 1 << 20, seconds: 0.01)
    #expect(rate.threads == 2)
    #expect((1e6...1e14).contains(rate.bytesPerSecond))
  }
}

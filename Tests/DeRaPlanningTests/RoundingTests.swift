import DeRaCalibration
import DeRaCheckpoints
import DeRaConversion
import DeRaPlanning
import DeRaPlatform
import DeRaTestSupport
import Testing

/// The uses of a calibration text, on the embedded storyteller.
@Suite struct RoundingTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func plan(_ text: CalibrationText, output: String? = nil) async throws -> Planning.Result {
    let model = NamedCheckpoint(name: "reference", checkpoint: try .open(path: Fixtures.family + "/reference"))
    let converter = try Converter(reference: model, aligned: [], options: ConversionOptions(bits: .four))
    var request = PlanningRequest()
    request.calibration = text
    request.output = output.map(directory.file)
    request.isDryRun = output == nil
    var planning = Planning(try converter.readInputs { _ in }, request) { _ in }
    return try await planning.run()
  }

  @Test func aTextFarFromTheModelIsNotRoundedFor() async throws {
    let result = try await plan(.standard, output: "default.dera")
    let calibration = try #require(result.plan.calibration)
    #expect(calibration.rounding == .plain && calibration.calibratedKL == nil)
    #expect(calibration.bitsPerByte > 3)
    #expect(result.plan.measured.map(\.kl) == [calibration.plainKL])
    #expect(result.warnings.contains { $0.contains("not at home in the calibration text") })
    #expect(result.report?.warnings.contains { $0.contains("not at home in the calibration text") } == true)
    // The file is that of a conversion without a text.
    let model = NamedCheckpoint(name: "reference", checkpoint: try .open(path: Fixtures.family + "/reference"))
    let converter = try Converter(reference: model, aligned: [], options: ConversionOptions(bits: .four))
    _ = try await converter.convert(to: directory.file("plain.dera")) { _ in }
    #expect(try directory.bytes("plain.dera") == directory.bytes("default.dera"))
  }

  @Test func theBetterRoundingOnTheHeldOutPartIsUsed() {
    #expect(Planning.rounding(calibratedKL: 0.1, plainKL: 0.2) == .calibrated)
    #expect(Planning.rounding(calibratedKL: 0.2, plainKL: 0.1) == .plain)
    // Nothing was rounded: no reason to say that anything was refused.
    #expect(Planning.rounding(calibratedKL: 0, plainKL: 0) == .calibrated)
    #expect(Planning.rounding(calibratedKL: .nan, plainKL: 0.1) == .plain)
  }
}

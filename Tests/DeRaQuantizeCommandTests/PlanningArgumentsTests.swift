import ArgumentParser
import DeRaQuantizeCommand
import DeRaTestSupport
import FoundationEssentials
import Testing

@Suite struct QuantizeCommandTests {
  private static let models = ["--reference", "a", "--aligned", "b"]

  @Test(arguments: [
    [], ["--output", "x", "--budget", "2MB", "--bits", "4"], ["--output", "x", "--budget", "2MB", "--delta", "sign"],
    ["--output", "x", "--target-kl", "0.1"], ["--output", "x", "--target-kl", "nan", "--calibration", "t"],
    ["--output", "x", "--budget", "2MB", "--target-kl", "0.1", "--calibration", "t"],
    ["--output", "x", "--lambda-range", "0:1"], ["--output", "x", "--budget", "2MB", "--lambda-range", "2:1"],
    ["--output", "x", "--budget", "0"], ["--output", "x", "--tensor", "blk.*=int9"],
    ["--output", "x", "--explain", "blk.0.attn_v.weight", "--quiet"],
  ]) func contradictionsAreUsageErrors(options: [String]) {
    do {
      _ = try QuantizeCommand.parse(Self.models + options)
      Issue.record("accepted: \(options)")
    } catch {
      #expect(QuantizeCommand.exitCode(for: error) == .validationFailure)
    }
  }

  /// Written by Tests/Fixtures/commands/generate.sh.
  @Test func helpIsAsRecorded() throws {
    #expect(QuantizeCommand.helpMessage(columns: 100) + "\n" == (try Fixtures.text("commands/help-dera-quantize.txt")))
  }

  @Test func aDryRunNeedsNoOutput() throws {
    _ = try QuantizeCommand.parse(Self.models + ["--dry-run"])
    _ = try QuantizeCommand.parse(Self.models + ["--budget", "2MB", "--lambda-range", "-1:3", "-o", "x"])
    _ = try QuantizeCommand.parse(Self.models + ["--dry-run", "--explain", "blk.0.attn_v.weight", "--json"])
  }
}

import CDeRaKernelsConformance
import DeRaKernels
import Testing

@Suite struct ConformanceTests {
  /// The C suite that also runs under emulation for ARM (tools/check-arm-kernels).
  @Test(arguments: InstructionSet.supported) func equalsScalarBitForBit(_ set: InstructionSet) {
    let report = ck_conformance(set.rawValue)
    let firstFailure = withUnsafeBytes(of: report.first_failure) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    #expect(report.checks > 5000)
    #expect(report.failures == 0, "\(firstFailure)")
    #expect(report.digest == ck_conformance("scalar").digest)
  }

  @Test func anUnknownSetRunsNothing() {
    #expect(ck_conformance("mmx").checks == 0)
  }
}

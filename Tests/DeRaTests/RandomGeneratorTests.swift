import DeRa
import DeRaPlatform
import DeRaTensorCore
import Testing

@Suite struct RandomGeneratorTests {
  /// The reference C code's output from the state 1, 2, 3, 4.
  @Test func xoshiroMatchesItsReference() {
    var generator = RandomGenerator(state: (1, 2, 3, 4))
    let expected: [UInt64] = [
      11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360, 607_988_272_756_665_600,
      16_172_922_978_634_559_625, 8_476_171_486_693_032_832, 10_595_114_339_597_558_777, 2_904_607_092_377_533_576,
    ]
    #expect(expected.map { _ in generator.next() } == expected)
  }

  /// The reference C code's output from the seed 1234567.
  @Test func splitMixMatchesItsReference() {
    var generator = SplitMix64(state: 1_234_567)
    let expected: [UInt64] = [
      6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423, 4_593_380_528_125_082_431,
      16_408_922_859_458_223_821,
    ]
    #expect(expected.map { _ in generator.next() } == expected)
  }

  @Test func unitsAreBelowOne() {
    var generator = RandomGenerator(seed: 0)
    let units = (0..<10_000).map { _ in generator.nextUnit() }
    #expect(units.allSatisfy { $0 >= 0 && $0 < 1 })
    #expect(abs(units.reduce(0, +) / 10_000 - 0.5) < 0.02)
  }

  @Test func theShortExponentialIsCloseToTheLongOne() {
    for step in 0..<870_000 where step % 16 == 0 {
      var x = SIMD16<Float>()
      for lane in 0..<16 { x[lane] = -Float(step + lane) * 1e-4 }
      let found = exponential(ofNonPositive: x)
      for lane in 0..<16 {
        let expected = exponential(ofNonPositive: Double(x[lane]))
        #expect(abs(Double(found[lane]) - expected) <= 5e-7 * expected + 1e-38)
      }
    }
    #expect(exponential(ofNonPositive: SIMD16<Float>(repeating: 0)) == SIMD16<Float>(repeating: 1))
    #expect(exponential(ofNonPositive: SIMD16<Float>(repeating: -.infinity)) == SIMD16<Float>())
  }

  @Test func exponentialIsCloseToTheCLibrary() {
    for step in 0..<70_000 {
      let x = -Double(step) * 0.010_1
      let expected = Glibc.exp(x)
      #expect(abs(exponential(ofNonPositive: x) - expected) <= 4e-16 * expected)
    }
    #expect(exponential(ofNonPositive: 0.0) == 1)
    #expect(exponential(ofNonPositive: -.infinity) == 0)
    #expect(exponential(ofNonPositive: -1e300) == 0)
  }
}

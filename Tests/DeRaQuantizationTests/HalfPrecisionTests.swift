import DeRaQuantization
import DeRaTensorCore
import DeRaTestSupport
import Testing

@Suite("Half precision")
struct HalfPrecisionTests {
  @Test("every half has the value the standard gives it")
  func everyValue() {
    for bits in UInt16.min ... .max {
      let expected = Float(Float16(bitPattern: bits))
      let value = HalfPrecision.value(bits)
      #expect(value.isNaN ? expected.isNaN : value == expected && value.sign == expected.sign, "half \(bits)")
    }
  }

  @Test("every finite half comes back from its value")
  func everyRoundTrip() {
    for bits in UInt16.min ... .max where bits & 0x7fff < 0x7c00 {
      #expect(HalfPrecision.bits(HalfPrecision.value(bits)) == bits)
    }
  }

  @Test("floats round to the nearest half, ties to even")
  func rounding() {
    var generator = SeededGenerator(seed: 1)
    var values = (0..<200_000).map { _ in Float(bitPattern: generator.next(upperBound: UInt32.max)) }
    for bits in UInt16(0)..<0x7bff {
      let tie = (HalfPrecision.value(bits) + HalfPrecision.value(bits + 1)) / 2
      values += [tie.nextDown, tie, tie.nextUp]
    }
    for value in values where value.isFinite {
      let expected = Float16(value)
      let limited = expected.isFinite ? expected : value > 0 ? .greatestFiniteMagnitude : -.greatestFiniteMagnitude
      #expect(HalfPrecision.bits(value) == limited.bitPattern, "\(value)")
      #expect(HalfPrecision.bits(-value) == (-limited).bitPattern, "\(-value)")
    }
  }

  @Test("what does not fit is the largest finite half, and NaN stays NaN")
  func overflow() {
    #expect(HalfPrecision.bits(65_519.996) == 0x7bff)
    #expect(HalfPrecision.bits(65_520) == 0x7bff)
    #expect(HalfPrecision.bits(-.infinity) == 0xfbff)
    #expect(HalfPrecision.value(HalfPrecision.bits(.nan)).isNaN)
  }

  @Test("the packer's vector code rounds as the scalar code does")
  func vector() throws {
    var generator = SeededGenerator(seed: 2)
    let layout = try PackedLayout(codec: .f16, rows: 160, columns: 320)
    var weights: [Float] = []
    while weights.count < layout.rows * layout.columns {
      let value = Float(bitPattern: generator.next(upperBound: UInt32.max))
      if value.isFinite { weights.append(value) }
      // Half of them in the range of halves.
      if weights.count % 2 == 0 {
        weights.append(value.isFinite ? HalfPrecision.value(UInt16(weights.count % 0x7c00)) : 0)
      }
    }
    weights.removeLast(weights.count - layout.rows * layout.columns)
    let values = unpack(pack(weights, layout).bytes, layout)
    for (value, weight) in zip(values, weights) {
      #expect(value.bitPattern == HalfPrecision.value(HalfPrecision.bits(weight)).bitPattern, "\(weight)")
    }
  }
}

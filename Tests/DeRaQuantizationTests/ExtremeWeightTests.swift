import DeRaQuantization
import DeRaTensorCore
import Testing

@Suite("Extreme weights")
struct ExtremeWeightTests {
  @Test("the int4 search lowers the error of plain rounding")
  func searchPays() throws {
    let layout = try PackedLayout(codec: .int4, rows: 16, columns: 1024)
    let weights = normalWeights(16 * 1024, seed: 9)
    var plain = 0.0
    for start in stride(from: 0, to: weights.count, by: 32) {
      let block = weights[start..<start + 32]
      let extreme = block.max { $0.magnitude < $1.magnitude } ?? 0
      let scale = HalfPrecision.value(HalfPrecision.bits(extreme / -8))
      for weight in block {
        let error = Double(min(7, max(-8, (weight / scale).rounded(.toNearestOrEven))) * scale - weight)
        plain += error * error
      }
    }
    #expect(pack(weights, layout).statistics.squaredError < 0.92 * plain)
  }

  @Test("weights that are on the grid of the codes already are kept exactly", arguments: [PackedCodec.int4, .int6])
  func gridKept(codec: PackedCodec) throws {
    let layout = try PackedLayout(codec: codec, rows: 16, columns: 32)
    let codes = codec == .int4 ? 16 : 64
    for scale in [Float(0.0078125), -0.0234375] {
      let weights = (0..<512).map { (index: Int) -> Float in
        let code = index % 32 == 5 ? 0 : index * 11 % codes
        return Float(code - codes / 2) * scale
      }
      #expect(unpack(pack(weights, layout).bytes, layout) == weights)
    }
  }

  @Test("zeros and weights too small for a scale become zeros", arguments: PackedCodec.allCases)
  func tiny(codec: PackedCodec) throws {
    let layout = try PackedLayout(codec: codec, rows: 4, columns: 40)
    for weight in [Float(0), -0.0, codec.rowScaleBytes == 0 ? 1e-12 : 1e-31, .leastNonzeroMagnitude] {
      let (bytes, statistics) = pack(Array(repeating: weight, count: 160), layout)
      #expect(unpack(bytes, layout).allSatisfy { $0 == 0 })
      #expect(statistics.saturated == 0)
    }
  }

  @Test("a scale among the subnormal halves still gives codes within their range", arguments: PackedCodec.allCases)
  func subnormalScale(codec: PackedCodec) throws {
    let layout = try PackedLayout(codec: codec, rows: 16, columns: 64)
    for exponent in -26 ... -10 {
      let weights = normalWeights(16 * 64, seed: 10).map { $0 * Float(sign: .plus, exponent: exponent, significand: 1) }
      let values = unpack(pack(weights, layout).bytes, layout)
      let extreme = weights.map(\.magnitude).max() ?? 0
      #expect(values.allSatisfy { $0.isFinite && $0.magnitude <= extreme * 1.2 + 0x1p-24 * 127 })
    }
  }

  @Test("weights beyond the format saturate and are counted", arguments: PackedCodec.ofBlocks)
  func saturation(codec: PackedCodec) throws {
    let layout = try PackedLayout(codec: codec, rows: 2, columns: 3)
    let weights: [Float] = [1e30, -.greatestFiniteMagnitude, 0, 1, 2, -3]
    let (bytes, statistics) = pack(weights, layout)
    let values = unpack(bytes, layout)
    #expect(statistics.saturated == 2)
    #expect(values.allSatisfy { $0.isFinite })
    #expect(values[0] >= 65504 && values[1] <= -65504)
    #expect(statistics.relativeRMS.isFinite)
  }

  @Test("NaN and infinities are replaced and counted wherever they stand")
  func nonFinite() {
    for count in [1, 15, 16, 17, 40] {
      for index in 0..<count {
        for (bad, replacement) in [(Float.nan, Float(0)), (.infinity, 65504), (-.infinity, -65504)] {
          var weights = [Float](repeating: 1, count: count)
          weights[index] = bad
          #expect(weights.withUnsafeMutableBufferPointer { NonFinite.replace(in: $0) } == 1)
          #expect(weights[index] == replacement)
          #expect(weights.withUnsafeMutableBufferPointer { NonFinite.replace(in: $0) } == 0)
        }
      }
    }
    var none: [Float] = []
    #expect(none.withUnsafeMutableBufferPointer { NonFinite.replace(in: $0) } == 0)
  }
}

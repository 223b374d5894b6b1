import DeRaQuantization
import DeRaTensorCore
import Testing

@Suite("Codecs of differences")
struct RowCoderTests {
  @Test("every byte of codes unpacks to the values the layout gives it", arguments: PackedCodec.ofRows)
  func everyByte(codec: PackedCodec) throws {
    let layout = try PackedLayout(codec: codec, rows: 16, columns: 128)
    let bits = codec == .int1 ? 1 : 2
    let values: [Float] = [.int2: [-3, -1, 1, 3], .ternary: [-1, 0, 1, 2], .int1: [-1, 1]][codec] ?? []
    var bytes = [UInt8](repeating: 0, count: layout.byteCount)
    // Row scales of 2.
    for row in 0..<16 { bytes[4 * row + 3] = 0x40 }
    for index in 64..<bytes.count { bytes[index] = UInt8(index * 5 % 256) }
    #expect(Set(bytes[64...]).count == 256)
    let found = unpack(bytes, layout)
    for index in 0..<bytes.count - 64 {
      let (row, lane) = (index % 64 / 4, index % 4)
      for plane in 0..<8 / bits {
        let column = index / 64 * (32 / bits) + 4 * plane + lane
        let code = bytes[64 + index] >> (bits * plane) & (1 << bits - 1)
        #expect(found[row * 128 + column] == 2 * values[Int(code)])
      }
    }
  }

  @Test("codes are those of the nearest values and a row keeps its length along itself", arguments: PackedCodec.ofRows)
  func codes(codec: PackedCodec) throws {
    for columns in [1, 5, 32, 100, 576] {
      let layout = try PackedLayout(codec: codec, rows: 19, columns: columns)
      let weights = normalWeights(19 * columns, seed: UInt64(columns)).enumerated().map { (index: Int, weight: Float) in
        // Rows of very different size.
        weight * Float(sign: .plus, exponent: index / columns % 5 * 12 - 36, significand: 1)
      }
      let (bytes, statistics) = pack(weights, layout)
      let values = unpack(bytes, layout)
      for row in 0..<19 {
        let range = row * columns..<(row + 1) * columns
        let (stored, wanted) = (values[range].map(Double.init), weights[range].map(Double.init))
        let product = zip(stored, wanted).reduce(0) { $0 + $1.0 * $1.1 }
        let squares = wanted.reduce(0) { $0 + $1 * $1 }
        #expect((product / squares - 1).magnitude < 1e-4, "row \(row) of \(columns) columns")
        // Whatever the scale, greater weights have greater values and signs are kept.
        let sorted = zip(wanted, stored).sorted { $0.0 < $1.0 }.map(\.1)
        #expect(zip(sorted, sorted.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(zip(stored, wanted).allSatisfy { $0 * $1 >= 0 })
      }
      #expect((statistics.gain - 1).magnitude < 1e-4)
      #expect(statistics.weights == weights.count)
    }
  }

  @Test("a difference of the values a codec has is kept", arguments: PackedCodec.ofRows)
  func gridKept(codec: PackedCodec) throws {
    let values: [Float] = [.int2: [-3, -1, 1, 3], .ternary: [-1, 0, 1], .int1: [-1, 1]][codec] ?? []
    let layout = try PackedLayout(codec: codec, rows: 16, columns: 70)
    let weights = (0..<16 * 70).map { values[$0 * 7 % values.count] * 1e-5 }
    for (value, weight) in zip(unpack(pack(weights, layout).bytes, layout), weights) {
      #expect((value - weight).magnitude <= 1e-5 * 1e-5)
    }
  }

  @Test("the gain of block codecs is measured, not corrected")
  func gainOfBlocks() throws {
    let weights = normalWeights(64 * 256, seed: 3)
    let layout = try PackedLayout(codec: .int4, rows: 64, columns: 256)
    let (bytes, statistics) = pack(weights, layout)
    let product = zip(unpack(bytes, layout), weights).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    let squares = weights.reduce(0.0) { $0 + Double($1) * Double($1) }
    #expect((statistics.gain - product / squares).magnitude < 1e-5)
    #expect(statistics.gain < 1 && statistics.gain > 0.98)
  }

  @Test("enormous differences stay finite", arguments: PackedCodec.ofRows)
  func enormous(codec: PackedCodec) throws {
    let layout = try PackedLayout(codec: codec, rows: 2, columns: 3)
    let (bytes, statistics) = pack([3e38, -.greatestFiniteMagnitude, 2e38, 1, 2, -3], layout)
    let values = unpack(bytes, layout)
    #expect(values[3...].allSatisfy { $0.magnitude <= 6 })
    #expect(values[0] > 1e38 && values[1] < -1e38)
    #expect(statistics.gain.isFinite && statistics.relativeRMS.isFinite)
  }
}

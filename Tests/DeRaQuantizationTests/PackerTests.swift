import DeRaQuantization
import DeRaTensorCore
import Testing

@Suite("Packer")
struct PackerTests {
  static let sides = [1, 2, 15, 16, 17, 31, 32, 33, 64, 65]

  @Test("weights come back within half a step, whatever the tails", arguments: PackedCodec.ofBlocks)
  func roundTrip(codec: PackedCodec) throws {
    for rows in Self.sides {
      for columns in Self.sides {
        let layout = try PackedLayout(codec: codec, rows: rows, columns: columns)
        let weights = normalWeights(rows * columns, seed: UInt64(rows * 100 + columns))
        let (bytes, statistics) = pack(weights, layout)
        let values = unpack(bytes, layout)
        for row in 0..<rows {
          for start in stride(from: 0, to: columns, by: 32) {
            let range = row * columns + start..<row * columns + min(columns, start + 32)
            let bound = Self.bound(codec, Array(weights[range]))
            for index in range {
              #expect((values[index] - weights[index]).magnitude <= bound, "\(rows) × \(columns), weight \(index)")
            }
          }
        }
        #expect(statistics.weights == rows * columns)
        #expect(statistics.saturated == 0)
      }
    }
  }

  /// Largest error a weight of the block may have. An int4 scale may clip the extreme weight by an eighth, and half a
  /// step may be a fourteenth of it; of int6 by a fifteenth and a sixtieth. Each scale may be off by half the last bit of a subnormal half.
  private static func bound(_ codec: PackedCodec, _ block: [Float]) -> Float {
    let extreme = block.map(\.magnitude).max() ?? 0
    return switch codec {
    case .f16: extreme * 0x1p-11 + 0x1p-25
    case .int8: extreme / 127 * 0.501 + 127 * 0x1p-25
    case .int6: extreme * 0.07 + 32 * 0x1p-25
    default: extreme * 0.17 + 8 * 0x1p-25
    }
  }

  @Test("the statistics are those of the unpacked weights", arguments: PackedCodec.allCases)
  func statistics(codec: PackedCodec) throws {
    let layout = try PackedLayout(codec: codec, rows: 37, columns: 75)
    let weights = normalWeights(37 * 75, seed: 5)
    let (bytes, statistics) = pack(weights, layout)
    let errors = zip(unpack(bytes, layout), weights).map { Double($0) - Double($1) }
    let squaredError = errors.reduce(0) { $0 + $1 * $1 }
    let squaredWeights = weights.reduce(0) { $0 + Double($1) * Double($1) }
    #expect((statistics.squaredError / squaredError - 1).magnitude < 1e-4)
    #expect((statistics.squaredWeights / squaredWeights - 1).magnitude < 1e-5)
    #expect((statistics.relativeRMS - (squaredError / squaredWeights).squareRoot()).magnitude < 1e-5)
  }

  @Test("normally distributed weights stay within the format's tolerance", arguments: PackedCodec.allCases)
  func tolerance(codec: PackedCodec) throws {
    let layout = try PackedLayout(codec: codec, rows: 128, columns: 512)
    let error = pack(normalWeights(128 * 512, seed: 6), layout).statistics.relativeRMS
    #expect(error < codec.relativeRMSBound)
    #expect(error > codec.relativeRMSBound / 2)
  }

  @Test("the bytes do not depend on how the tiles are divided", arguments: PackedCodec.allCases)
  func bands(codec: PackedCodec) throws {
    let layout = try PackedLayout(codec: codec, rows: 70, columns: 50)
    let weights = normalWeights(70 * 50, seed: 7)
    let packer = Packer(layout: layout)
    var pieces: [UInt8] = []
    for tiles in [0..<1, 1..<4, 4..<5] {
      let rows = packer.rows(of: tiles)
      var piece = [UInt8](repeating: 1, count: tiles.count * layout.tileBytes)
      weights[rows.lowerBound * 50..<rows.upperBound * 50].withUnsafeBufferPointer { weights in
        piece.withUnsafeMutableBytes { _ = packer.pack(tiles: tiles, weights: weights, into: $0) }
      }
      pieces += piece
    }
    #expect(pieces == pack(weights, layout).bytes)
  }

  @Test("int8 codes stand where the layout says, all 255 of them")
  func int8Bytes() throws {
    let layout = try PackedLayout(codec: .int8, rows: 32, columns: 64)
    // A 127 in every block makes its scale 1.
    let weights: [Float] = (0..<32 * 64).map { (index: Int) in index % 32 == 0 ? 127 : Float(index * 7 % 255 - 127) }
    let bytes = pack(weights, layout).bytes
    #expect(Set(weights).count == 255)
    for row in 0..<32 {
      for column in 0..<64 {
        let block: Int = row / 16 * layout.tileBytes + column / 32 * 544
        let (lane, inBlock) = (row % 16, column % 32)
        #expect(bytes[block + lane * 2] == 0x00)
        #expect(bytes[block + lane * 2 + 1] == 0x3c)
        let group: Int = block + 32 + inBlock / 4 * 64
        let code = bytes[group + lane * 4 + inBlock % 4]
        #expect(Float(Int8(bitPattern: code)) == weights[row * 64 + column])
      }
    }
  }

  @Test("int4 codes stand where the layout says, all 16 of them")
  func int4Bytes() throws {
    let layout = try PackedLayout(codec: .int4, rows: 32, columns: 64)
    // All are on a grid of 1 and every block has a −8, which makes its scale 1.
    let weights: [Float] = (0..<32 * 64).map { (index: Int) in Float(index * 5 % 16 - 8) }
    let bytes = pack(weights, layout).bytes
    for row in 0..<32 {
      for column in 0..<64 {
        let block: Int = row / 16 * layout.tileBytes + column / 32 * 288
        let (lane, inBlock) = (row % 16, column % 32)
        #expect(bytes[block + lane * 2] == 0x00)
        #expect(bytes[block + lane * 2 + 1] == 0x3c)
        let group: Int = block + 32 + inBlock / 8 * 64
        let byte = bytes[group + lane * 4 + inBlock % 4]
        let code = column % 8 < 4 ? byte & 15 : byte >> 4
        #expect(Float(code) - 8 == weights[row * 64 + column])
      }
    }
  }

  @Test("int6 codes stand where the layout says, all 64 of them")
  func int6Bytes() throws {
    let layout = try PackedLayout(codec: .int6, rows: 32, columns: 64)
    // All are on a grid of 1 and every block has a −32, which makes its scale 1.
    let weights: [Float] = (0..<32 * 64).map { (index: Int) in
      index % 32 == 7 ? -32 : Float((index + index / 64) * 13 % 64 - 32)
    }
    let bytes = pack(weights, layout).bytes
    #expect(Set(weights).count == 64)
    for row in 0..<32 {
      for column in 0..<64 {
        let block: Int = row / 16 * layout.tileBytes + column / 32 * 416
        let (lane, inBlock) = (row % 16 * 4 + column % 4, column % 32)
        #expect(bytes[block + row % 16 * 2] == 0x00)
        #expect(bytes[block + row % 16 * 2 + 1] == 0x3c)
        let pair = bytes[block + 32 + inBlock / 8 * 64 + lane]
        let high = bytes[block + 32 + 256 + inBlock / 16 * 64 + lane] >> (inBlock % 16 / 4 * 2) & 3
        let code = (inBlock % 8 < 4 ? pair & 15 : pair >> 4) | high << 4
        #expect(Float(code) - 32 == weights[row * 64 + column])
      }
    }
  }

  @Test("every byte of int4 codes unpacks through the table")
  func int4Table() throws {
    let layout = try PackedLayout(codec: .int4, rows: 16, columns: 32)
    let table = (0..<16).map { Int8($0 * $0 - 100) }
    var bytes = [UInt8](repeating: 0, count: layout.byteCount)
    for row in 0..<16 { bytes[2 * row + 1] = 0x3c }
    for index in 0..<256 { bytes[32 + index] = UInt8(index) }
    let values = unpack(bytes, layout, table: table)
    for index in 0..<256 {
      let (group, row, lane) = (index / 64, index % 64 / 4, index % 4)
      #expect(values[row * 32 + 8 * group + lane] == Float(table[index & 15]))
      #expect(values[row * 32 + 8 * group + 4 + lane] == Float(table[index >> 4]))
    }
  }

  @Test("padding is zero weights", arguments: PackedCodec.allCases)
  func padding(codec: PackedCodec) throws {
    let layout = try PackedLayout(codec: codec, rows: 3, columns: 5)
    let bytes = pack(normalWeights(15, seed: 8), layout).bytes
    let width = codec == .f16 ? 5 : 32
    let values = unpack(bytes, try PackedLayout(codec: codec, rows: 16, columns: width))
    for row in 0..<16 {
      for column in 0..<width where row >= 3 || column >= 5 && PackedCodec.ofBlocks.contains(codec) {
        #expect(values[row * width + column] == 0)
      }
    }
  }
}

extension PackedCodec {
  /// Bound on `PackingStatistics.relativeRMS` for weights drawn from a normal distribution.
  ///
  /// - f16: rounding to 11 bits, at most 2⁻¹¹ of each weight; half of it covers the mean.
  /// - int8: a step is about 2.1 σ / 127 (the mean maximum of 32 normal weights) and its error step/√12: 0.0048. The
  ///   largest maximum a block can reasonably have does not move the mean by more than a third.
  /// - int6: the same with 2.1 σ / 32: 0.0193 measured.
  /// - int4: the same with 2.1 σ / 8 and clipping allowed: 0.081 measured for the search that is used, 0.086 for none.
  /// - int2, ternary, int1: the best quantisers of that many levels leave relative errors e of 0.345, 0.436 and 0.603 (Max,
  ///   "Quantizing for minimum distortion", 1960); a gain of 1 makes them e / √(1 − e²).
  fileprivate var relativeRMSBound: Double {
    switch self {
    case .f16: 0x1p-12
    case .int8: 0.0065
    case .int6: 0.0205
    case .int4: 0.083
    case .int2: 0.375
    case .ternary: 0.49
    case .int1: 0.76
    }
  }
}

import DeRaPlatform
import DeRaQuantization
import DeRaTensorCore
import DeRaTestSupport
import Testing

@Suite("Error feedback")
struct FeedbackTests {
  /// The output of Tests/Fixtures/quantization/generate.py.
  struct Oracle {
    static let (tokens, rows, columns) = (96, 20, 72)
    /// Codec, whether with the table, and what the packed weights should stand for.
    static let cases: [(codec: PackedCodec, table: [Int8]?)] = [
      (.int8, nil), (.int6, nil), (.int4, nil), (.int4, PackedCodec.denseInt4Table),
    ]

    let inputs: [Float]
    let weights: [Float]
    /// `[cases][rows · columns]`
    let packed: [[Float]]

    init() throws {
      var rest = try Fixtures.floats("quantization/feedback.f32")[...]
      func read(_ count: Int) throws -> [Float] {
        try #require(rest.count >= count)
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
      }
      inputs = try read(Self.tokens * Self.columns)
      weights = try read(Self.rows * Self.columns)
      packed = try Self.cases.map { _ in try read(Self.rows * Self.columns) }
    }
  }

  /// Memory for factors.
  final class Memory: @unchecked Sendable {
    let numbers: UnsafeMutableBufferPointer<Float>
    init(count: Int) { numbers = .allocate(capacity: count) }
    deinit { numbers.deallocate() }
  }

  static func gram(_ inputs: [Float], columns: Int) -> GramMatrix {
    let gram = GramMatrix(columns: columns)
    let tokens = inputs.count / columns
    gram.addTokens(tokens)
    inputs.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      for strip in 0..<gram.strips { gram.add(strip: strip, inputs: base, stride: columns, tokens: tokens) }
    }
    return gram
  }

  static func feedback(_ gram: GramMatrix) -> ErrorFeedback {
    let memory = Memory(count: ErrorFeedback.factorCount(of: gram))
    return ErrorFeedback(gram, memory: memory.numbers, owner: memory)
  }

  private func packed(
    _ weights: [Float], _ layout: PackedLayout, _ table: [Int8]?, _ feedback: ErrorFeedback?, tilesAtOnce: Int? = nil
  ) -> (values: [Float], bytes: [UInt8], statistics: PackingStatistics) {
    let packer = Packer(layout: layout, table: table, feedback: feedback)
    var bytes = [UInt8](repeating: 0xee, count: layout.byteCount)
    var statistics = PackingStatistics()
    let step = tilesAtOnce ?? layout.tiles
    for first in stride(from: 0, to: layout.tiles, by: step) {
      let tiles = first..<min(first + step, layout.tiles)
      let rows = packer.rows(of: tiles)
      weights[rows.lowerBound * layout.columns..<rows.upperBound * layout.columns].withUnsafeBufferPointer { weights in
        bytes[first * layout.tileBytes..<tiles.upperBound * layout.tileBytes].withUnsafeMutableBytes {
          statistics += packer.pack(tiles: tiles, weights: weights, into: $0)
        }
      }
    }
    return (unpack(bytes, layout, table: table ?? PackedCodec.linearInt4Table), bytes, statistics)
  }

  /// tr(E G Eᵀ) of one token.
  private func outputError(_ values: [Float], _ weights: [Float], _ gram: GramMatrix) -> Double {
    var sum = 0.0
    for row in 0..<weights.count / gram.columns {
      let error = (0..<gram.columns).map { Double(values[row * gram.columns + $0] - weights[row * gram.columns + $0]) }
      for left in 0..<gram.columns {
        for right in 0..<gram.columns { sum += error[left] * error[right] * Double(gram.product(left, right)) }
      }
    }
    return sum / Double(gram.tokens)
  }

  @Test("sums of products of the columns are those of the inputs, however many tokens and columns there are")
  func products() throws {
    for (tokens, columns) in [(1, 1), (7, 33), (130, 80)] {
      var generator = SeededGenerator(seed: 5)
      let inputs = (0..<tokens * columns).map { _ in generator.normal() }
      let gram = Self.gram(inputs, columns: columns)
      #expect(gram.tokens == tokens && gram.groups == [0..<columns])
      for left in 0..<columns {
        for right in 0..<columns {
          let expected = (0..<tokens).reduce(0.0) {
            $0 + Double(inputs[$1 * columns + left]) * Double(inputs[$1 * columns + right])
          }
          #expect((Double(gram.product(left, right)) - expected).magnitude < 1e-4 * Double(tokens))
        }
      }
      gram.clear()
      #expect(gram.tokens == 0 && gram.product(0, 0) == 0)
    }
  }

  @Test("packed weights are those of a GPTQ in numpy", arguments: 0..<4)
  func oracle(index: Int) throws {
    let oracle = try Oracle()
    let (codec, table) = Oracle.cases[index]
    let layout = try PackedLayout(codec: codec, rows: Oracle.rows, columns: Oracle.columns)
    let gram = Self.gram(oracle.inputs, columns: Oracle.columns)
    let result = packed(oracle.weights, layout, table, Self.feedback(gram))
    let expected = oracle.packed[index]
    // One that lies between two codes may fall the other way in f32, and those after it in its row follow.
    let equal = zip(result.values, expected).count { ($0 - $1).magnitude <= 1e-6 }
    #expect(equal * 100 >= expected.count * 97, "\(equal) of \(expected.count)")
    let (error, best) = (outputError(result.values, oracle.weights, gram), outputError(expected, oracle.weights, gram))
    #expect((error / best - 1).magnitude < 0.01)
  }

  @Test("the outputs' error falls, and the statistics know it", arguments: 0..<4)
  func lowersError(index: Int) throws {
    let oracle = try Oracle()
    let (codec, table) = Oracle.cases[index]
    let layout = try PackedLayout(codec: codec, rows: Oracle.rows, columns: Oracle.columns)
    let gram = Self.gram(oracle.inputs, columns: Oracle.columns)
    let plain = packed(oracle.weights, layout, table, nil)
    let fed = packed(oracle.weights, layout, table, Self.feedback(gram))
    let error = outputError(fed.values, oracle.weights, gram)
    #expect(error < 0.6 * outputError(plain.values, oracle.weights, gram))
    // The statistics are of the damped matrix.
    #expect(
      error < fed.statistics.outputError && fed.statistics.outputError < 4 * error,
      "\(error), \(fed.statistics.outputError)")
    #expect(plain.statistics.outputError == 0)
    let squares = zip(fed.values, oracle.weights).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    #expect((fed.statistics.squaredError / squares - 1).magnitude < 1e-3)
  }

  @Test("the bytes do not depend on how tiles are divided")
  func division() throws {
    let oracle = try Oracle()
    let layout = try PackedLayout(codec: .int4, rows: Oracle.rows, columns: Oracle.columns)
    let feedback = Self.feedback(Self.gram(oracle.inputs, columns: Oracle.columns))
    let whole = packed(oracle.weights, layout, nil, feedback)
    #expect(packed(oracle.weights, layout, nil, feedback, tilesAtOnce: 1).bytes == whole.bytes)
  }

  @Test("inputs that say nothing, or are no numbers, give finite weights near the given ones")
  func degenerate() throws {
    let layout = try PackedLayout(codec: .int6, rows: 16, columns: 40)
    let weights = normalWeights(16 * 40, seed: 3)
    for value in [Float(0), .nan, .infinity, 1e20] {
      let gram = Self.gram([Float](repeating: value, count: 3 * 40), columns: 40)
      let values = packed(weights, layout, nil, Self.feedback(gram)).values
      #expect(zip(values, weights).allSatisfy { $0.isFinite && ($0 - $1).magnitude < 0.05 }, "inputs of \(value)")
    }
    let empty = packed(weights, layout, nil, Self.feedback(GramMatrix(columns: 40))).statistics
    #expect(empty.relativeRMS < 0.0205)
  }

  @Test("wide inputs are cut into groups of whole blocks, each with its own feedback")
  func groups() throws {
    let columns = 2100
    let gram = GramMatrix(columns: columns)
    #expect(gram.groups == [0..<1056, 1056..<2100])
    var generator = SeededGenerator(seed: 8)
    let common = (0..<4).map { _ in generator.normal() }
    let inputs = (0..<4 * columns).map { common[$0 / columns] + 0.1 * generator.normal() }
    let filled = Self.gram(inputs, columns: columns)
    #expect(filled.product(0, 1055) > 0.1 && filled.product(1056, 2099) > 0.1 && filled.product(1055, 1056) == 0)
    let layout = try PackedLayout(codec: .int4, rows: 2, columns: columns)
    let weights = normalWeights(2 * columns, seed: 4)
    let plain = packed(weights, layout, nil, nil)
    let fed = packed(weights, layout, nil, Self.feedback(filled))
    #expect(outputError(fed.values, weights, filled) < 0.2 * outputError(plain.values, weights, filled))
  }
}

import DeRaCheckpoints
import DeRaGGUF
import DeRaTestSupport
import Testing

/// Against PyPI gguf's dequantisation of random blocks and special scales (Fixtures/gguf/quants.gguf).
struct GGUFDequantizationTests {
  static let types = Dequantization.supportedTypes

  @Test func allSupportedTypesHaveAFixture() throws {
    #expect(Self.types.count == 13)
  }

  @Test(arguments: types) func everyBlockFormatMatchesTheOracle(type: GGMLType) throws {
    let file = try GGUFFile(path: Fixtures.directory + "/gguf/quants.gguf")
    let source = try tensor(type.name, in: file)
    let expected = try tensor(type.name + ".expected", in: file).readAll()
    let values = try source.readAll()
    #expect(values.count == 4 * 1024)
    #expect(mismatches(values, expected).isEmpty)
  }

  @Test(arguments: types) func rowsReadAloneEqualTheWhole(type: GGMLType) throws {
    let file = try GGUFFile(path: Fixtures.directory + "/gguf/quants.gguf")
    let source = try tensor(type.name, in: file)
    let whole = try source.readAll()
    for row in 0..<source.rows {
      var values = [Float](repeating: 0, count: source.columns)
      try values.withUnsafeMutableBufferPointer { try source.read(rows: row..<row + 1, into: $0) }
      #expect(mismatches(values, Array(whole[row * source.columns..<(row + 1) * source.columns])).isEmpty)
      source.release()
    }
  }

  @Test func rowsOutsideTheTensorAreRefused() throws {
    let file = try GGUFFile(path: Fixtures.directory + "/gguf/quants.gguf")
    let source = try tensor("Q4_K", in: file)
    var values = [Float](repeating: 0, count: source.columns)
    try values.withUnsafeMutableBufferPointer { buffer in
      _ = try checkpointError { try source.read(rows: 4..<5, into: buffer) }
      _ = try checkpointError { try source.read(rows: 0..<2, into: buffer) }
    }
  }

  private func tensor(_ name: String, in file: GGUFFile) throws -> GGUFTensorSource {
    let entry = try #require(file.tensor(named: name))
    return try GGUFTensorSource(file: file, tensor: entry, dimensions: entry.dimensions)
  }
}

/// Where two lists differ in bits, NaNs of any kind counting as equal.
func mismatches(_ left: [Float], _ right: [Float]) -> [Int] {
  guard left.count == right.count else { return [-1] }
  return left.indices.filter {
    left[$0].bitPattern != right[$0].bitPattern && !(left[$0].isNaN && right[$0].isNaN)
  }
}

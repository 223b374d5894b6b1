import DeRaCheckpoints
import DeRaGGUF
import DeRaModelSpec
import DeRaTestSupport
import Testing

/// docs/conversion-matrix.md against what the readers support.
@Suite struct ConversionMatrixTests {
  private let rows: [[String]]

  init() throws {
    let path = "\(Fixtures.directory)/../../docs/conversion-matrix.md"
    rows = try CheckpointFile.text(path).split(separator: "\n").filter { $0.hasPrefix("|") }.map { line in
      line.split(separator: "|").map { cell in
        String(cell.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
      }
    }
  }

  private func types(of source: String) throws -> Set<String> {
    let row = try #require(rows.first { $0[0] == source })
    return Set(
      row[1].split(separator: "`", omittingEmptySubsequences: false).enumerated().filter { $0.offset % 2 == 1 }.map {
        String($0.element)
      })
  }

  @Test func everyFamilyAndClassHasARow() {
    let found = rows.filter { $0.count == 7 && $0[1].hasSuffix("ForCausalLM`") }.map { "\($0[0]) \($0[1])" }
    let known = Architecture.all.flatMap { family in
      family.huggingFaceClasses.map { "`\(family.name)` `\($0.name)`" }
    }
    #expect(found == known)
  }

  @Test func everyElementTypeIsListed() throws {
    #expect(try types(of: "GGUF matrices") == Set(Dequantization.supportedTypes.map(\.name)))
    #expect(
      try types(of: "GGUF vectors")
        == Set(Dequantization.supportedTypes.filter { $0.blockElements == 1 }.map(\.name)))
    #expect(
      try types(of: "safetensors").subtracting(["weight_scale", "weight_scale_inv"])
        == Set(Safetensors.supportedTypes))
  }
}

import DeRaBundle
import DeRaCheckpoints
import DeRaConversion
import DeRaGGUF
import Testing

/// Tables that differ by the rounding of the formats they came through.
@Suite("Equal tables")
struct EqualTablesTests {
  private static let (embedding, output) = ("token_embd.weight", "output.weight")

  /// The weights rounded to `levels` steps from the least to the greatest of every block.
  private func rounded(_ tensor: MemoryTensor, levels: Int, block: Int = 8) -> MemoryTensor {
    var copy = tensor
    copy.quantisation = Quantisation(block: block, levels: levels)
    for start in stride(from: 0, to: tensor.values.count, by: block) {
      let range = start..<start + block
      let (least, greatest) = (tensor.values[range].min() ?? 0, tensor.values[range].max() ?? 0)
      let step = (greatest - least) / Float(levels)
      for index in range { copy.values[index] = least + ((tensor.values[index] - least) / step).rounded() * step }
    }
    return copy
  }

  private func manifest(
    _ models: [Checkpoint], untie: Bool = false
  ) async throws -> (manifest: BundleManifest, remarks: [ConversionRemark]) {
    let directory = try TemporaryDirectory()
    var options = ConversionOptions(bits: .sixteen)
    options.keepsEqualTables = untie
    let report = try await Tiny.converter(models[0], Array(models.dropFirst()), options)
      .convert(to: "\(directory.path)/a.dera") { _ in }
    return (try BundleManifest(file: GGUFFile(path: "\(directory.path)/a.dera")), report.remarks)
  }

  private func twoTables(_ coarse: Int, _ fine: Int) -> Checkpoint {
    let base = Tiny.checkpoint()
    guard let table = base.tensors[Self.embedding] as? MemoryTensor else { return base }
    var copy = base
    copy.tensors[Self.embedding] = rounded(table, levels: coarse)
    copy.tensors[Self.output] = rounded(table, levels: fine)
    return copy
  }

  @Test(
    "a table held twice in two precisions is stored once, the finer",
    arguments: [(15, 63), (63, 15), (3, 254), (7, 15)])
  func tied(coarse: Int, fine: Int) async throws {
    let model = twoTables(coarse, fine)
    let (tied, remarks) = try await manifest([model])
    #expect(tied.configuration.tiesEmbeddings)
    #expect(remarks.map { $0.text.contains("\(fine > coarse ? Self.output : Self.embedding), the finer") } == [true])
    #expect(try await !manifest([model], untie: true).manifest.configuration.tiesEmbeddings)
    let twin = try await manifest([twoTables(fine, fine)])
    #expect(
      twin.manifest.tensors.first?.sha256
        == (fine > coarse ? tied.tensors.first?.sha256 : twin.manifest.tensors.first?.sha256))
  }

  @Test("tables of different weights stay apart, however coarse", arguments: [(3, 254), (15, 63), (3, 7)])
  func untied(coarse: Int, fine: Int) async throws {
    let base = Tiny.checkpoint()
    guard let one = base.tensors[Self.embedding] as? MemoryTensor, let two = base.tensors[Self.output] as? MemoryTensor
    else { return }
    var copy = base
    copy.tensors[Self.embedding] = rounded(one, levels: coarse)
    copy.tensors[Self.output] = rounded(two, levels: fine)
    #expect(try await !manifest([copy]).manifest.configuration.tiesEmbeddings)
    // One row of its own is enough.
    var nearly = twoTables(coarse, fine)
    guard var table = nearly.tensors[Self.output] as? MemoryTensor else { return }
    for column in 0..<table.columns { table.values[5 * table.columns + column] *= -1 }
    nearly.tensors[Self.output] = table
    #expect(try await !manifest([nearly]).manifest.configuration.tiesEmbeddings)
  }

  @Test("the models of a pair share a table that came through two quantisers, but for the rows that were trained")
  func pairs() async throws {
    let base = Tiny.checkpoint()
    guard let table = base.tensors[Self.embedding] as? MemoryTensor else { return }
    var (reference, aligned) = (base, base)
    reference.tensors[Self.embedding] = rounded(table, levels: 15)
    aligned.tensors[Self.embedding] = rounded(table, levels: 254)
    let (shared, remarks) = try await manifest([reference, aligned])
    #expect(!shared.tensors.contains { $0.model == 1 })
    #expect(remarks.map(\.model) == ["base"])
    #expect(try await manifest([reference, aligned], untie: true).manifest.tensors.contains { $0.model == 1 })
    var trained = table
    for column in 0..<table.columns { trained.values[7 * table.columns + column] += 1 }
    aligned.tensors[Self.embedding] = rounded(trained, levels: 254)
    let (mixed, notes) = try await manifest([reference, aligned])
    #expect(mixed.tensors.filter { $0.model == 1 }.map(\.name) == [Self.embedding])
    #expect(notes.map { $0.text.hasPrefix("39 rows of") } == [true])
  }
}

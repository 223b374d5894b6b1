import DeRaBundle
import DeRaCheckpoints
import DeRaConversion
import DeRaGGUF
import DeRaTestSupport
import Testing

@Suite("Checkpoints on disk")
struct GoldenCheckpointTests {
  @Test(
    "every architecture makes a bundle that reads back as the checkpoint's configuration",
    arguments: ["gemma3", "linear", "llama2", "llama3", "mistral", "olmo2", "qwen2", "qwen3", "yarn"])
  func architectures(name: String) async throws {
    let directory = try TemporaryDirectory()
    let checkpoint = try Checkpoint.open(path: "\(Fixtures.goldens)/\(name)")
    for bits in ConversionOptions.Bits.allCases {
      let converter = try Converter(
        reference: NamedCheckpoint(name: name, checkpoint: checkpoint), aligned: [],
        options: ConversionOptions(bits: bits))
      let report = try await converter.convert(to: "\(directory.path)/a.dera") { _ in }
      let manifest = try BundleManifest(file: GGUFFile(path: "\(directory.path)/a.dera"))
      #expect(manifest.configuration == checkpoint.configuration)
      #expect(report.warnings == ["no model has a tokenizer; the bundle takes token ids only, no text"])
      #expect(report.models[0].ownTensors == checkpoint.tensors.count)
    }
  }

  @Test("what an adapter leaves alone is shared; of matrices as small as these its factors would be larger")
  func adapter() async throws {
    let directory = try TemporaryDirectory()
    let folder = "\(Fixtures.goldens)/../checkpoints"
    let models = try NamedCheckpoint.open(["base=\(folder)/base", "\(folder)/plain"].map(ModelArgument.init))
    #expect(models.map(\.name) == ["base", "plain"])
    let converter = try Converter(
      reference: models[0], aligned: [models[1]], options: ConversionOptions(bits: .sixteen))
    let report = try await converter.convert(to: "\(directory.path)/a.dera") { _ in }
    #expect(report.models[1].ownTensors == 6)
    #expect(report.models[1].sharedTensors == models[0].checkpoint.tensors.count - 6)
    let file = try GGUFFile(path: "\(directory.path)/a.dera")
    let norm = try BundleManifest(file: file).tensor("output_norm.weight", model: 1)
    #expect(norm?.model == 0)
  }

  @Test("an aligned checkpoint shares what training left alone", arguments: ["llama3", "gemma3"])
  func pairs(name: String) async throws {
    let directory = try TemporaryDirectory()
    let models = try ["", "-aligned"].map {
      NamedCheckpoint(name: name + $0, checkpoint: try Checkpoint.open(path: "\(Fixtures.goldens)/\(name)\($0)"))
    }
    let converter = try Converter(
      reference: models[0], aligned: [models[1]], options: ConversionOptions(bits: .sixteen))
    let report = try await converter.convert(to: "\(directory.path)/a.dera") { _ in }
    #expect(report.models[1].ownTensors > 0)
    #expect(report.models[1].sharedTensors > 0)
  }
}

import DeRaBundle
import DeRaCheckpoints
import DeRaConversion
import DeRaDigest
import DeRaGGUF
import DeRaModelSpec
import DeRaPlatform
import DeRaQuantization
import DeRaTensorCore
import DeRaTestSupport
import Testing

@Suite("Converter")
struct ConverterTests {
  @Test(
    "the bundle holds the checkpoint's weights, packed, with their checksums",
    arguments: ConversionOptions.Bits.allCases)
  func weights(bits: ConversionOptions.Bits) async throws {
    let directory = try TemporaryDirectory()
    let path = "\(directory.path)/a.dera"
    let models = [Tiny.checkpoint(seed: 1), Tiny.checkpoint(seed: 2)]
    let report = try await Tiny.converter(models[0], [models[1]], ConversionOptions(bits: bits)).convert(to: path) {
      _ in
    }
    let file = try GGUFFile(path: path)
    let manifest = try BundleManifest(file: file)
    #expect(manifest.models == ["base", "m1"])
    #expect(manifest.tensors.count == 2 * ModelConfiguration.tiny().tensors.count)
    #expect(report.outputBytes == file.file.bytes.count)
    for tensor in manifest.tensors {
      let stored = UnsafeRawBufferPointer(rebasing: file.file.bytes[tensor.byteRange])
      #expect(SHA256.hexadecimal(of: stored) == tensor.sha256)
      #expect(unpacked(stored, tensor) == expected(models[tensor.model].values(tensor.spec.name), tensor))
    }
  }

  /// The stored weights as floats.
  private func unpacked(_ stored: UnsafeRawBufferPointer, _ tensor: BundleTensor) -> [Float] {
    guard let layout = tensor.layout else {
      return (0..<tensor.weights).map { stored.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
    var values = [Float](repeating: .nan, count: tensor.weights)
    values.withUnsafeMutableBufferPointer {
      Dequantizer(layout: layout).unpack(tiles: 0..<layout.tiles, packed: stored, into: $0)
    }
    return values
  }

  /// The weights after packing and unpacking the whole tensor at once.
  private func expected(_ weights: [Float], _ tensor: BundleTensor) -> [Float] {
    guard let layout = tensor.layout else { return weights }
    var bytes = [UInt8](repeating: 0, count: layout.byteCount)
    return bytes.withUnsafeMutableBytes { target in
      weights.withUnsafeBufferPointer { weights in
        _ = Packer(layout: layout).pack(tiles: 0..<layout.tiles, weights: weights, into: target)
      }
      return unpacked(UnsafeRawBufferPointer(target), tensor)
    }
  }

  @Test("tensors that are stored alike are stored once")
  func sharing() async throws {
    let directory = try TemporaryDirectory()
    let base = Tiny.checkpoint()
    // A change too small to survive packing in 4 bits, and one that does.
    let tuned = base.changing("blk.0.attn_q.weight") { $0.values[5] += 1e-7 }
      .changing("blk.1.ffn_up.weight") { $0.values[7] = 3 }
      .changing("output_norm.weight") { $0.values[0] += 1e-7 }
    let report = try await Tiny.converter(base, [tuned, base], ConversionOptions(bits: .four)).convert(
      to: "\(directory.path)/a.dera"
    ) { _ in }
    let manifest = try BundleManifest(file: GGUFFile(path: "\(directory.path)/a.dera"))
    #expect(
      manifest.tensors.filter { $0.model > 0 }.map(\.fileName) == ["a1.blk.1.ffn_up.weight", "a1.output_norm.weight"])
    #expect(report.models.map(\.ownTensors) == [manifest.configuration.tensors.count, 2, 0])
    #expect(report.models[2].ownBytes == 0)
    let position = try #require(manifest.tensors.firstIndex { $0.fileName == "a1.blk.1.ffn_up.weight" })
    #expect(manifest.tensors[position - 1].fileName == "blk.1.ffn_up.weight")
  }

  @Test("the same input gives the same bytes, however many tasks share the work")
  func determinism() async throws {
    let directory = try TemporaryDirectory()
    // Several bands a tensor: 4,400 rows of 1,024 floats are 18 MB.
    var configuration = ModelConfiguration.tiny(vocabulary: 4_400)
    configuration.hiddenSize = 1_024
    configuration.layers = 1
    configuration.layerSlides = [false]
    let models = [Tiny.checkpoint(configuration), Tiny.checkpoint(configuration, seed: 2)]
    var files: [[UInt8]] = []
    for width in [1, 2, 5] {
      _ = try await Tiny.converter(models[0], [models[1]], ConversionOptions(bits: .four, width: width)).convert(
        to: "\(directory.path)/a.dera"
      ) { _ in }
      files.append(try directory.bytes("a.dera"))
    }
    #expect(files[0] == files[1] && files[0] == files[2])
    _ = try BundleManifest(file: GGUFFile(path: "\(directory.path)/a.dera"))
  }

  @Test("an output matrix with the embedding's weights is tied")
  func tied() async throws {
    let directory = try TemporaryDirectory()
    let path = "\(directory.path)/a.dera"
    func manifest(_ reference: Checkpoint, _ aligned: Checkpoint) async throws -> BundleManifest {
      _ = try await Tiny.converter(reference, [aligned]).convert(to: path) { _ in }
      return try BundleManifest(file: GGUFFile(path: path))
    }
    let untied = Tiny.checkpoint()
    let alike = untied.changing("output.weight") { $0.values = untied.values("token_embd.weight") }
    let tied = Tiny.checkpoint(ModelConfiguration.tiny(tied: true))
    #expect(try await manifest(alike, tied).configuration.tiesEmbeddings)
    #expect(try await manifest(tied, alike).configuration.tiesEmbeddings)
    #expect(try await !manifest(untied, alike).configuration.tiesEmbeddings)
    // The tied model's output matrix is then its embedding, which differs from the reference's output.
    let mixed = try await manifest(untied, tied)
    #expect(!mixed.configuration.tiesEmbeddings)
    let output = mixed.tensor("output.weight", model: 1)
    #expect(output?.fileName == "a1.output.weight")
    #expect(output?.sha256 == mixed.tensor("token_embd.weight", model: 1)?.sha256)
  }

  @Test("ids that end an answer are united, the reference's first")
  func endOfText() async throws {
    let directory = try TemporaryDirectory()
    var (base, tuned) = (Tiny.checkpoint(), Tiny.checkpoint())
    base.endOfTextIDs = [7, 2]
    tuned.endOfTextIDs = [3, 7, 40]
    _ = try await Tiny.converter(base, [tuned]).convert(to: "\(directory.path)/a.dera") { _ in }
    #expect(try BundleManifest(file: GGUFFile(path: "\(directory.path)/a.dera")).endOfTextIDs == [7, 2, 3])
  }

  @Test("provenance names the files and their checksums, not their directory")
  func provenance() async throws {
    let directory = try TemporaryDirectory()
    var base = Tiny.checkpoint()
    base.sources = [try directory.write("weights.bin", "abc")]
    _ = try await Tiny.converter(base).convert(to: "\(directory.path)/a.dera") { _ in }
    let provenance = try BundleManifest(file: GGUFFile(path: "\(directory.path)/a.dera")).provenance
    #expect(
      provenance == """
        {"bits":8,"models":[{"files":[{"bytes":3,"name":"weights.bin",\
        "sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}],"name":"base"}],\
        "strict":false,"tool":"dera-quantize \(Version.text)"}
        """)
  }

  @Test(
    "a chat template that cannot be read is left out; one that fails on a made-up conversation is kept; both with a warning"
  )
  func chatTemplate() async throws {
    let directory = try TemporaryDirectory()
    var base = Tiny.checkpoint()
    base.tokenizer = Tiny.tokenizer().with(bosID: 1)
    let templates = [
      ("{% for", "made without it"), ("{{ messages }}", nil), ("{{ bos_token + messages[0].content }}", nil),
      ("{{ strftime_now('%Y') + messages[0].content }}", nil), ("{{ raise_exception('no') }}", nil),
      ("{{ messages[0].content + eos_token }}", "is kept"),
    ]
    for (template, warning) in templates {
      base.chatTemplate = template
      let report = try await Tiny.converter(base).convert(to: "\(directory.path)/a.dera") { _ in }
      let manifest = try BundleManifest(file: GGUFFile(path: "\(directory.path)/a.dera"))
      #expect(manifest.chatTemplate == (template == "{% for" ? nil : template))
      let warnings = report.warnings.filter { $0.contains("chat template") }
      #expect(warnings.count == (warning == nil ? 0 : 1) && warnings.allSatisfy { $0.contains(warning ?? "") })
    }
  }

  @Test("what the runtime would refuse is not written, and an older file stays")
  func unreadable() async throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("a.dera", "older")
    var configuration = ModelConfiguration.tiny()
    configuration.normEpsilon = 0
    do {
      _ = try await Tiny.converter(Tiny.checkpoint(configuration)).convert(to: path) { _ in }
      Issue.record("written")
    } catch ConversionError.unreadable(let reason) {
      #expect(reason.contains("epsilon"))
    }
    #expect(directory.files == ["a.dera"])
    #expect(try directory.bytes("a.dera") == Array("older".utf8))
  }

  @Test("a chat template that loops forever is refused and leaves no file")
  func endlessChatTemplate() async throws {
    let directory = try TemporaryDirectory()
    var base = Tiny.checkpoint()
    base.chatTemplate = "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}"
    await #expect(throws: ConversionError.self) {
      try await Tiny.converter(base).convert(to: "\(directory.path)/a.dera") { _ in }
    }
    #expect(directory.files.isEmpty)
  }

  @Test("what a bundle will lack is said")
  func warnings() async throws {
    let directory = try TemporaryDirectory()
    var base = Tiny.checkpoint()
    func warnings() async throws -> [String] {
      try await Tiny.converter(base).convert(to: "\(directory.path)/a.dera") { _ in }.warnings
    }
    #expect(try await warnings().map { $0.prefix(25) } == ["no model has a tokenizer;", "no model names an end-of-"])
    base.tokenizer = Tiny.tokenizer()
    base.endOfTextIDs = [2]
    #expect(try await warnings().isEmpty)
  }

  @Test("the tokenizer goes in compiled, and as the keys other programs read")
  func tokenizer() async throws {
    let directory = try TemporaryDirectory()
    var base = Tiny.checkpoint()
    base.tokenizer = Tiny.tokenizer(tokens: 38)
    base.tokenizer?.bosID = 1
    _ = try await Tiny.converter(base).convert(to: "\(directory.path)/a.dera") { _ in }
    let file = try GGUFFile(path: "\(directory.path)/a.dera")
    let image = try #require(try BundleManifest(file: file).tokenizer)
    #expect(try Array(file.file.bytes[image.byteRange]) == Tiny.tokenizer(tokens: 38).with(bosID: 1).compiled())
    let tokens = try file.array("tokenizer.ggml.tokens", of: .string).strings
    #expect(tokens?.count == 40)
    #expect(tokens?[1] == "\"")
    #expect(tokens?[39] == "[PAD39]")
    #expect(try file.int("tokenizer.ggml.bos_token_id") == 1)
  }
}

import DeRaBundle
import DeRaCheckpoints
import DeRaConversion
import DeRaGGUF
import DeRaModelSpec
import DeRaPlatform
import DeRaTestSupport
import Testing

@Suite("Refused conversions")
struct RefusalTests {
  struct Change: Sendable, CustomTestStringConvertible {
    let field: String
    let apply: @Sendable (inout ModelConfiguration) -> Void
    var testDescription: String { field }

    init(_ field: String, _ apply: @escaping @Sendable (inout ModelConfiguration) -> Void) {
      self.field = field
      self.apply = apply
    }
  }

  static let changes = [
    Change("architecture") { $0.architecture = .qwen3 },
    Change("hidden size") { $0.hiddenSize = 32 },
    Change("number of layers") { $0.layers = 3 },
    Change("number of heads") { $0.heads = 2 },
    Change("number of key-value heads") { $0.kvHeads = 1 },
    Change("head size") { $0.headDim = 8 },
    Change("feed-forward size") { $0.feedForwardSize = 51 },
    Change("norm epsilon") { $0.normEpsilon = 1e-6 },
    Change("embedding scale") { $0.embeddingScale = 2 },
    Change("attention scale") { $0.attentionScale = 1 },
    Change("RoPE base") { $0.rope.theta = 500_000 },
    Change("RoPE magnitude") { $0.rope.magnitude = 1.5 },
    Change("RoPE inverse frequencies") { $0.rope.inverseFrequencies[2] = 0.02 },
    Change("RoPE of sliding layers") { $0.slidingRope = RotaryEmbedding(theta: 1, inverseFrequencies: [1, 1, 1]) },
    Change("sliding window") {
      $0.slidingWindow = 8
      $0.layerSlides = [true, false]
    },
    Change("vocabulary size") { $0.vocabularySize = 41 },
  ]

  @Test("models that differ in a field", arguments: changes)
  func incompatible(change: Change) throws {
    var other = Tiny.checkpoint()
    change.apply(&other.configuration)
    let error = #expect(throws: ConversionError.self) {
      try Tiny.converter(Tiny.checkpoint(), [Tiny.checkpoint(), other])
    }
    guard case .incompatible(let field, let reference, let aligned, "m2")? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(field.hasPrefix(change.field))
    #expect(reference != aligned)
  }

  @Test("what only rounds differently, or does not matter, is tolerated")
  func tolerated() throws {
    var other = Tiny.checkpoint()
    other.configuration.normEpsilon = Float(1e-5).nextUp
    other.configuration.rope.inverseFrequencies[1] = other.configuration.rope.inverseFrequencies[1].nextDown
    other.configuration.contextLength = 64
    other.configuration.slidingWindow = 8
    _ = try Tiny.converter(Tiny.checkpoint(), [other])
  }

  @Test("a token that means something else, or is not there")
  func vocabulary() throws {
    var (base, other) = (Tiny.checkpoint(), Tiny.checkpoint())
    base.tokenizer = Tiny.tokenizer()
    other.tokenizer = Tiny.tokenizer()
    other.tokenizer?.pieces[17].bytes = Array("zz".utf8)
    let different = #expect(throws: ConversionError.self) { try Tiny.converter(base, [other]) }
    #expect(different == .vocabulary(id: 17, reference: "\"2\"", aligned: "\"zz\"", model: "m1"))
    other.tokenizer = Tiny.tokenizer(tokens: 39)
    let missing = #expect(throws: ConversionError.self) { try Tiny.converter(base, [other]) }
    #expect(missing == .vocabulary(id: 39, reference: "\"H\"", aligned: "no token", model: "m1"))
  }

  @Test("tokenizers of the same tokens that cut text differently are warned of")
  func otherMerges() throws {
    var (base, other) = (Tiny.checkpoint(), Tiny.checkpoint())
    base.tokenizer = Tiny.tokenizer()
    other.tokenizer = Tiny.tokenizer()
    func warnings() throws -> [String] {
      try Tiny.converter(base, [other]).readInputs { _ in }.plan { _ in }.warnings.filter {
        $0.contains("its tokenizer")
      }
    }
    #expect(try warnings() == [])
    other.tokenizer?.merges = .ranked([.init(left: 0, right: 1, result: 2)])
    other.tokenizer?.prefixIDs = [3]
    #expect(
      try warnings().map { $0.prefix(72) } == [
        "m1: its tokenizer has other merges (1 instead of 0), tokens around a tex"
      ])
    // Formats say the same in other steps; merges are the same in all.
    let directory = try TemporaryDirectory()
    other.sources = [try directory.write("model.gguf", "")]
    #expect(try warnings().map { $0.contains("tokens around") } == [false])
  }

  @Test("tokens that only one model has can be left out")
  func commonVocabulary() async throws {
    let directory = try TemporaryDirectory()
    var (base, other) = (Tiny.checkpoint(), Tiny.checkpoint(seed: 2))
    base.tokenizer = Tiny.tokenizer(tokens: 36)
    other.tokenizer = Tiny.tokenizer(tokens: 36)
    other.tokenizer?.addedTokens = [.init(id: 36, content: Array("<new>".utf8), isSpecial: true)]
    other.endOfTextIDs = [36]
    let error = #expect(throws: ConversionError.self) { try Tiny.converter(base, [other]) }
    #expect(error?.isAboutMissingTokens == true)
    var options = ConversionOptions()
    options.leavesOutOtherTokens = true
    for models in [[base, other], [other, base]] {
      let report = try await Tiny.converter(models[0], [models[1]], options).convert(to: "\(directory.path)/a.dera") {
        _ in
      }
      let manifest = try BundleManifest(file: GGUFFile(path: "\(directory.path)/a.dera"))
      #expect(manifest.configuration.vocabularySize == 36 && manifest.endOfTextIDs.isEmpty)
      #expect(report.warnings.contains { $0.hasPrefix("1 tokens that only some models have are left out, 36") })
    }
    // A row of its own beyond the reference's table needs no option.
    other.tokenizer?.addedTokens[0].id = 40
    other.configuration.vocabularySize = 41
    let report = try await Tiny.converter(base, [other.addingRow()]).convert(to: "\(directory.path)/a.dera") { _ in }
    #expect(report.warnings.contains { $0.contains("<new> (40)") })
  }

  @Test("rows beyond the tokens are cut, in either model")
  func paddedRows() async throws {
    let directory = try TemporaryDirectory()
    for (rows, otherRows) in [(40, 48), (48, 40)] {
      var base = Tiny.checkpoint(ModelConfiguration.tiny(vocabulary: rows))
      var other = Tiny.checkpoint(ModelConfiguration.tiny(vocabulary: otherRows))
      base.tokenizer = Tiny.tokenizer(tokens: 37)
      other.tokenizer = Tiny.tokenizer(tokens: 37)
      other.tokenizer?.pieces.append(.init(id: 37, bytes: Array("[PAD37]".utf8), role: .reserved))
      _ = try await Tiny.converter(base, [other]).convert(to: "\(directory.path)/a.dera") { _ in }
      let manifest = try BundleManifest(file: GGUFFile(path: "\(directory.path)/a.dera"))
      #expect(manifest.configuration.vocabularySize == 40)
    }
  }

  @Test("fewer rows than tokens")
  func tooFewRows() throws {
    var (base, other) = (Tiny.checkpoint(), Tiny.checkpoint(ModelConfiguration.tiny(vocabulary: 36)))
    base.tokenizer = Tiny.tokenizer(tokens: 40)
    let error = #expect(throws: ConversionError.self) { try Tiny.converter(base, [other]) }
    #expect(error == .tooFewRows(rows: 36, tokens: 40, model: "m1"))
    other.tokenizer = Tiny.tokenizer(tokens: 40)
    base.tokenizer = nil
    #expect(throws: ConversionError.self) { try Tiny.converter(base, [other]) }
  }

  @Test("names that cannot be used")
  func names() throws {
    let tiny = Tiny.checkpoint()
    func make(_ names: [String]) throws {
      let models = names.map { NamedCheckpoint(name: $0, checkpoint: tiny) }
      _ = try Converter(reference: models[0], aligned: Array(models.dropFirst()), options: ConversionOptions())
    }
    #expect(throws: ConversionError.badName("a b")) { try make(["a b"]) }
    #expect(throws: ConversionError.duplicateName("a")) { try make(["a", "b", "a"]) }
    #expect(throws: ConversionError.tooManyModels(65)) { try make((0..<65).map { "m\($0)" }) }
  }

  @Test("NaN and infinite weights: a warning, refused when strict")
  func nonFinite() async throws {
    let directory = try TemporaryDirectory()
    let path = "\(directory.path)/a.dera"
    let base = Tiny.checkpoint().changing("blk.1.attn_k.weight") {
      $0.values[3] = .nan
      $0.values[9] = .infinity
    }
    .changing("output_norm.weight") { $0.values[0] = -.infinity }
    let report = try await Tiny.converter(base).convert(to: path) { _ in }
    let warnings = report.warnings.filter { $0.contains(" weights of ") }
    #expect(warnings.count == 2)
    #expect(warnings[0].hasPrefix("2 weights of blk.1.attn_k.weight of base are NaN or infinite"))
    #expect(report.worstTensors.allSatisfy { $0.relativeRMSError.isFinite })
    let older = try directory.bytes("a.dera")
    await #expect(throws: ConversionError.nonFinite(tensor: "blk.1.attn_k.weight", model: "base", count: 2)) {
      try await Tiny.converter(base, [], ConversionOptions(isStrict: true)).convert(to: path) { _ in }
    }
    #expect(directory.files == ["a.dera"])
    #expect(try directory.bytes("a.dera") == older)
  }

  @Test("a damaged tensor leaves no file", arguments: ["token_embd.weight", "blk.1.ffn_down.weight", "output.weight"])
  func damaged(tensor: String) async throws {
    let directory = try TemporaryDirectory()
    let base = Tiny.checkpoint().changing(tensor) { $0.brokenRow = $0.rows - 1 }
    for models in [(base, Tiny.checkpoint(seed: 3)), (Tiny.checkpoint(seed: 3), base)] {
      let converter = try Tiny.converter(models.0, [models.1])
      await #expect(throws: CheckpointError.self) {
        try await converter.convert(to: "\(directory.path)/a.dera") { _ in }
      }
      #expect(directory.files.isEmpty)
    }
  }

  @Test(
    "an interruption leaves no file, whenever it comes",
    arguments: [ConversionProgress.Phase.hashing, .comparing, .packing])
  func interrupted(phase: ConversionProgress.Phase) async throws {
    struct Interrupted: Error {}
    let directory = try TemporaryDirectory()
    var base = Tiny.checkpoint()
    base.sources = [try directory.write("weights.bin", "abc")]
    let converter = try Tiny.converter(base, [base])
    await #expect(throws: Interrupted.self) {
      try await converter.convert(to: "\(directory.path)/a.dera") { if $0.phase == phase { throw Interrupted() } }
    }
    #expect(directory.files == ["weights.bin"])
  }

  @Test("an output that is one of the inputs, by any name")
  func outputIsInput() async throws {
    let directory = try TemporaryDirectory()
    var base = Tiny.checkpoint()
    base.sources = [try directory.write("weights.bin", "abc")]
    symlink("weights.bin", "\(directory.path)/link.bin")
    for name in ["weights.bin", "./weights.bin", "link.bin"] {
      let path = "\(directory.path)/\(name)"
      await #expect(throws: ConversionError.outputIsInput(path: path)) {
        try await Tiny.converter(base).convert(to: path) { _ in }
      }
    }
    #expect(try directory.bytes("weights.bin") == Array("abc".utf8))
  }

  @Test("an output in a directory that is not there")
  func noDirectory() async throws {
    let directory = try TemporaryDirectory()
    await #expect(throws: FileError.self) {
      try await Tiny.converter(Tiny.checkpoint()).convert(to: "\(directory.path)/no/a.dera") { _ in }
    }
  }
}

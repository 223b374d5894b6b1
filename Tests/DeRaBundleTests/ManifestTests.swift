import DeRaBundle
import DeRaModelSpec
import DeRaTensorCore
import Testing

@Suite("Bundle manifest")
struct ManifestTests {
  @Test("what is written is what is read", arguments: [false, true])
  func roundTrip(tied: Bool) throws {
    let bundle = try TinyBundle(tied: tied)
    let manifest = try bundle.reread()
    #expect(manifest.models == bundle.manifest.models)
    #expect(manifest.configuration == bundle.manifest.configuration)
    #expect(manifest.endOfTextIDs == [1, 39])
    #expect(manifest.chatTemplate == "{{ messages }}")
    #expect(manifest.provenance == "{}")
    #expect(manifest.tokenizer?.byteCount == 70)
    #expect(manifest.tokenizer?.byteRange.count == 70)
    #expect(manifest.tensors.map(\.fileName) == bundle.manifest.tensors.map(\.fileName))
    #expect(manifest.tensors.map(\.sha256) == bundle.manifest.tensors.map(\.sha256))
    #expect(manifest.tensors.map(\.codec) == bundle.manifest.tensors.map(\.codec))
    for tensor in manifest.tensors {
      #expect(tensor.byteRange.count == tensor.byteCount)
      #expect(tensor.byteRange.lowerBound % 64 == 0)
    }
  }

  @Test("a bundle that says nothing of activations takes them in 8 bits", arguments: ActivationCoding.allCases)
  func activations(coding: ActivationCoding) throws {
    var bundle = try TinyBundle()
    #expect(try bundle.reread().activations == .int8)
    bundle.manifest.activations = coding
    bundle.metadata = bundle.manifest.metadata()
    #expect(try bundle.reread().activations == coding)
  }

  @Test("every architecture's configuration survives, sliding windows and second RoPE included")
  func configurations() throws {
    for architecture in Architecture.all {
      var configuration = ModelConfiguration.tiny()
      configuration.architecture = architecture
      configuration.attentionScale = 0.0625
      configuration.embeddingScale = 4.5
      configuration.rope.magnitude = 1.25
      configuration.slidingRope = RotaryEmbedding(theta: 500, inverseFrequencies: [1, 0.5, 0.25], magnitude: 2)
      configuration.slidingWindow = 16
      configuration.layerSlides = [true, false]
      #expect(try TinyBundle(configuration: configuration).reread().configuration == configuration)
    }
  }

  @Test("a tensor is the model's own or the reference's, and a tied output is the embedding")
  func lookup() throws {
    let manifest = try TinyBundle(tied: true).reread()
    #expect(manifest.tensor("blk.0.attn_q.weight", model: 0)?.model == 0)
    #expect(manifest.tensor("blk.0.attn_q.weight", model: 1)?.fileName == "a1.blk.0.attn_q.weight")
    #expect(manifest.tensor("blk.0.attn_q.weight", model: 2)?.model == 0)
    #expect(manifest.tensor("output.weight", model: 1)?.fileName == "token_embd.weight")
    #expect(manifest.tensor("output.weight", model: 2)?.fileName == "a2.token_embd.weight")
    #expect(manifest.tensor("blk.7.attn_q.weight", model: 0) == nil)
    #expect(try TinyBundle().reread().tensor("output.weight", model: 2)?.fileName == "output.weight")
  }

  @Test("changes come back as they were written")
  func changes() throws {
    let manifest = try TinyBundle(changes: true).reread()
    #expect(manifest.change("blk.0.attn_q.weight", model: 0) == .shared)
    #expect(manifest.change("blk.1.attn_q.weight", model: 1) == .shared)
    guard case .own(let own) = manifest.change("blk.0.attn_q.weight", model: 1),
      case .delta(let delta) = manifest.change("blk.0.ffn_up.weight", model: 1),
      case .lowRank(let a, let b) = manifest.change("blk.0.ffn_down.weight", model: 1)
    else { return #expect(Bool(false), "the kinds of change are others") }
    #expect(own.fileName == "a1.blk.0.attn_q.weight")
    #expect(delta.fileName == "a1.blk.0.ffn_up.weight.delta")
    #expect([delta.rows, delta.columns] == [50, 24])
    #expect([a.rows, a.columns, b.rows, b.columns] == [3, 50, 24, 3])
    #expect([delta.codec, a.codec, b.codec] == [.packed(.int4), .packed(.int8), .packed(.f16)])
    #expect(manifest.tensor("blk.0.ffn_down.weight", model: 1)?.fileName == "blk.0.ffn_down.weight")
    #expect(manifest.change("blk.0.ffn_down.weight", model: 2) == .shared)
  }

  @Test("a tied output changes as the embedding does")
  func tiedChange() throws {
    let manifest = try TinyBundle(tied: true, changes: true).reread()
    #expect(manifest.change("output.weight", model: 1) == manifest.change("token_embd.weight", model: 1))
    #expect(manifest.change("output.weight", model: 1).tensors.map(\.fileName) == ["a1.token_embd.weight.delta"])
  }

  @Test("footprints count what changes add, and what they add to")
  func changedFootprint() throws {
    let manifest = try TinyBundle(changes: true).manifest
    let footprint = manifest.footprint(model: 1)
    let changed = ["token_embd.weight", "blk.0.ffn_up.weight", "blk.0.ffn_down.weight"]
    let added = changed.flatMap { manifest.change($0, model: 1).tensors }.reduce(0) { $0 + $1.byteCount }
    let own = manifest.tensor("blk.0.attn_q.weight", model: 1)?.byteCount ?? 0
    #expect(footprint.changedTensors == 3)
    #expect(footprint.ownTensors == 1)
    #expect(footprint.sharedTensors == manifest.configuration.tensors.count - 4)
    #expect(footprint.ownBytes == own + added)
    #expect(footprint.sharedBytes == manifest.footprint(model: 0).ownBytes - own)
    #expect(footprint.weights == manifest.footprint(model: 0).weights)
  }

  @Test("tables of int4 tensors come back in order")
  func tables() throws {
    let table = (0..<16).map { Int8($0 * 4 - 31) }
    let manifest = try TinyBundle(table: table).reread()
    for tensor in manifest.tensors { #expect(tensor.table == (tensor.codec == .packed(.int4) ? table : nil)) }
    #expect(try TinyBundle().reread().tensors.allSatisfy { $0.table == nil })
  }

  @Test("footprints add up")
  func footprints() throws {
    let manifest = try TinyBundle().manifest
    let parts = manifest.models.indices.map { manifest.footprint(model: $0) }
    #expect(parts.map(\.ownBytes).reduce(0, +) == manifest.weightBytes)
    #expect(parts[0].sharedTensors == 0)
    #expect(parts[1].ownTensors == 1)
    #expect(parts[1].sharedTensors == manifest.configuration.tensors.count - 1)
    #expect(parts.allSatisfy { $0.weights == parts[0].weights })
    // One 24 × 24 matrix, padded to two tiles of one block.
    #expect(parts[1].ownBytes == 2 * 288)
    // Weights that models share count once, as their bytes do.
    let bits = Double(manifest.weightBytes * 8) / Double(manifest.tensors.reduce(0) { $0 + $1.weights })
    #expect(manifest.bitsPerWeight == bits && bits > manifest.footprint(model: 0).bitsPerWeight * 0.9)
  }

  @Test("names of models are what the command line can take")
  func names() {
    for name in ["a", "zephyr-7b-beta", "Q_1.5"] { #expect(ModelName.isValid(name)) }
    for name in ["", "a b", "a=1", "a,b", "é", "x/y", String(repeating: "a", count: 65)] {
      #expect(!ModelName.isValid(name))
    }
  }
}

import DeRaBundle
import DeRaCheckpoints
import DeRaConversion
import DeRaGGUF
import DeRaModelSpec
import DeRaQuantization
import DeRaTensorCore
import Testing

/// Bundles whose aligned model is stored as what it changes.
@Suite("Differences")
struct DifferenceTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// A written bundle and its report.
  private struct Written {
    let report: ConversionReport
    let file: GGUFFile
    let manifest: BundleManifest

    /// Parts stored for model 1, in order.
    var parts: [TensorPart] { manifest.tensors.filter { $0.model == 1 }.map { $0.part } }

    /// A stored matrix as floats.
    func values(_ tensor: BundleTensor) throws -> [Float] {
      let layout = try #require(tensor.layout)
      var values = [Float](repeating: .nan, count: tensor.weights)
      values.withUnsafeMutableBufferPointer {
        Dequantizer(layout: layout).unpack(
          tiles: 0..<layout.tiles, packed: UnsafeRawBufferPointer(rebasing: file.file.bytes[tensor.byteRange]), into: $0
        )
      }
      return values
    }

    /// The difference that model 1 adds to the reference's matrix; nil when it has its own or nothing.
    func change(_ name: String) throws -> [Float]? {
      switch manifest.change(name, model: 1) {
      case .shared, .own: return nil
      case .delta(let tensor): return try values(tensor)
      case .lowRank(let a, let b):
        let (left, right) = (try values(b), try values(a))
        var product = [Float](repeating: 0, count: b.rows * a.columns)
        for index in product.indices {
          let (row, column) = index.quotientAndRemainder(dividingBy: a.columns)
          for part in 0..<a.rows { product[index] += left[row * a.rows + part] * right[part * a.columns + column] }
        }
        return product
      }
    }
  }

  private func convert(
    _ reference: Checkpoint, _ aligned: Checkpoint, _ options: ConversionOptions
  ) async throws -> Written {
    let path = "\(directory.path)/a.dera"
    let report = try await Tiny.converter(reference, [aligned], options).convert(to: path) { _ in }
    let file = try GGUFFile(path: path)
    return Written(report: report, file: file, manifest: try BundleManifest(file: file))
  }

  /// The reference with `noise` times random numbers in −1…1 added to every matrix.
  private func child(of base: Checkpoint, noise: Float) -> Checkpoint {
    let other = Tiny.checkpoint(seed: 99)
    return base.configuration.tensors.filter(\.role.isMatrix).reduce(base) { model, spec in
      model.changing(spec.name) { tensor in
        for (index, value) in other.values(spec.name).enumerated() { tensor.values[index] += noise * value }
      }
    }
  }

  private func relativeError(_ found: [Float], _ expected: [Float]) -> Double {
    var (error, square) = (0.0, 0.0)
    for (one, other) in zip(found, expected) {
      error += Double(one - other) * Double(one - other)
      square += Double(other) * Double(other)
    }
    return (error / square).squareRoot()
  }

  /// Bounds on |stored − D| / |D| for evenly distributed D: half a step of n over the range, √3/n of it, and little more; a
  /// sign with its gain corrected leaves 1/√3.
  private static let bounds: [(storage: String, bound: Double)] = [
    ("int8", 0.005), ("int6", 0.02), ("int4", 0.075), ("int2", 0.3), ("ternary", 0.5), ("sign", 0.65),
  ]

  @Test("a packed difference is that of the original weights, whatever the reference's bits", arguments: bounds)
  func packed(storage: String, bound: Double) async throws {
    let base = Tiny.checkpoint()
    let tuned = child(of: base, noise: 0.01)
    let delta = try #require(DeltaStorage(storage))
    #expect(delta.name == storage)
    let written = try await convert(base, tuned, ConversionOptions(bits: .four, delta: delta))
    var stored = 0
    for spec in base.configuration.tensors {
      guard let change = try written.change(spec.name) else {
        // Where a difference of 8 bits would take more than a matrix of 4, the matrix is stored.
        #expect(!spec.role.isMatrix || ["int8", "int6"].contains(storage), "\(spec.name)")
        continue
      }
      stored += 1
      let exact = zip(tuned.values(spec.name), base.values(spec.name)).map { $0 - $1 }
      #expect(relativeError(change, exact) < bound, "\(spec.name)")
    }
    #expect(stored == (["int8", "int6"].contains(storage) ? 0 : 16))
    let eight = try await convert(base, tuned, ConversionOptions(delta: delta))
    #expect(eight.report.models[1].changedTensors == 16)
    #expect(eight.report.changes.allSatisfy { $0.kind == "delta" && abs(($0.gain ?? 0) - 1) < 0.01 })
    #expect(eight.report.changes.allSatisfy { abs($0.relativeDifference - 0.01) < 0.001 })
    #expect(eight.report.changes.allSatisfy { ($0.relativeError ?? 1) < bound })
    #expect(eight.report.text.contains("|D|/|W|"))
  }

  @Test("a difference of low rank is found, its factors balanced")
  func lowRank() async throws {
    let base = Tiny.checkpoint()
    var generator = SeededGenerator(state: 5)
    let rank = 2
    let tuned = base.changing("blk.0.ffn_up.weight") { tensor in
      let left = (0..<tensor.rows * rank).map { _ in Float.random(in: -1...1, using: &generator) * 1e-4 }
      let right = (0..<tensor.columns * rank).map { _ in Float.random(in: -1...1, using: &generator) }
      for index in tensor.values.indices {
        let (row, column) = index.quotientAndRemainder(dividingBy: tensor.columns)
        for part in 0..<rank { tensor.values[index] += left[row * rank + part] * right[part * tensor.columns + column] }
      }
    }
    let written = try await convert(base, tuned, ConversionOptions(bits: .sixteen, delta: .lowRank(rank)))
    let exact = zip(tuned.values("blk.0.ffn_up.weight"), base.values("blk.0.ffn_up.weight")).map { $0 - $1 }
    let change = try #require(try written.change("blk.0.ffn_up.weight"))
    #expect(relativeError(change, exact) < 0.01)
    #expect(written.manifest.tensors.filter { $0.model == 1 }.count == 2)
    guard case .lowRank(let a, let b) = written.manifest.change("blk.0.ffn_up.weight", model: 1) else {
      Issue.record("not stored as factors")
      return
    }
    let greatest = try [a, b].map { try written.values($0).map(\.magnitude).max() ?? 0 }
    #expect(greatest[0] / greatest[1] < 4 && greatest[1] / greatest[0] < 4)
    let row = try #require(written.report.changes.first)
    #expect(row.kind == "rank 2" && row.codec == "int8 · f16")
    #expect(abs((row.gain ?? 0) - 1) < 0.01)
    #expect(abs((row.relativeError ?? 1) - relativeError(change, exact)) < 1e-3)
  }

  @Test("an adapter's factors are stored as they are, whatever the storage of differences, or merged on demand")
  func adapter() async throws {
    let base = Tiny.checkpoint()
    let name = "blk.1.ffn_gate.weight"
    var generator = SeededGenerator(state: 6)
    let left = (0..<50 * 3).map { _ in Float.random(in: -1...1, using: &generator) * 1e-3 }
    let right = (0..<24 * 3).map { _ in Float.random(in: -1...1, using: &generator) }
    var product = [Float](repeating: 0, count: 50 * 24)
    for index in product.indices {
      let (row, column) = index.quotientAndRemainder(dividingBy: 24)
      for part in 0..<3 { product[index] += 2 * left[row * 3 + part] * right[part * 24 + column] }
    }
    var tuned = base.changing(name) { for index in product.indices { $0.values[index] += product[index] } }
    tuned.updates = [
      name: LowRankUpdate(rank: 3, left: left, right: right, scale: 2),
      "blk.0.attn_q.weight": LowRankUpdate(
        rank: 1, left: Array(repeating: 0, count: 24), right: Array(repeating: 1, count: 24), scale: 1),
    ]
    for delta in [DeltaStorage.own, .packed(.int4)] {
      let written = try await convert(base, tuned, ConversionOptions(delta: delta))
      #expect(written.parts == [.loraA(rank: 3), .loraB(rank: 3)])
      #expect(relativeError(try #require(try written.change(name)), product) < 0.006)
      let merged = try await convert(base, tuned, ConversionOptions(delta: delta, mergesAdapters: true))
      #expect(
        merged.parts == [delta == .own ? .whole : .delta])
      #expect(merged.manifest.provenance.contains("\"merge\":true"))
    }
  }

  /// A diagonal difference has the diagonal's magnitudes as singular values; what is left out is known exactly.
  @Test("of a difference of full rank the largest components are kept", arguments: [1, 3, 7])
  func truncated(rank: Int) async throws {
    let base = Tiny.checkpoint()
    let tuned = base.changing("blk.1.attn_q.weight") { tensor in
      for index in 0..<24 { tensor.values[index * 25] += Float(1 + index * 7 % 24) * 1e-3 }
    }
    let written = try await convert(base, tuned, ConversionOptions(bits: .sixteen, delta: .lowRank(rank)))
    let change = try #require(try written.change("blk.1.attn_q.weight"))
    let exact = zip(tuned.values("blk.1.attn_q.weight"), base.values("blk.1.attn_q.weight")).map { $0 - $1 }
    let squares = (1...24).map { Double($0 * $0) }
    let all: Double = squares.reduce(0, +)
    let best = (squares.dropLast(rank).reduce(0, +) / all).squareRoot()
    let found = relativeError(change, exact)
    #expect(found >= best * 0.999 && found < best * 1.02)
    let row = try #require(written.report.changes.first)
    #expect(abs((row.relativeError ?? 0) - found) < 2e-3)
    let kept: Double = squares.suffix(rank).reduce(0, +)
    #expect(abs((row.gain ?? 0) - kept / all) < 0.03)
  }

  @Test("norms, and matrices whose factors would be larger than they are, are stored whole")
  func whole() async throws {
    let base = Tiny.checkpoint()
    let tuned = child(of: base, noise: 0.01).changing("output_norm.weight") { $0.values[0] += 1 }
    let written = try await convert(base, tuned, ConversionOptions(delta: .lowRank(24)))
    #expect(written.report.warnings.contains { $0.contains("stored whole, because their change as lowrank:24 would") })
    #expect(written.manifest.change("output_norm.weight", model: 1).tensors.map(\.codec) == [.f32])
    #expect(written.manifest.change("blk.0.attn_k.weight", model: 1).tensors.map(\.part) == [.whole])
  }

  @Test("weights that are equal are shared, and ones that only pack alike are not")
  func sharing() async throws {
    let base = Tiny.checkpoint()
    let tuned = base.changing("blk.0.attn_q.weight") { $0.values[5] += 1e-6 }
    let written = try await convert(base, tuned, ConversionOptions(bits: .four, delta: .packed(.int4)))
    #expect(written.manifest.tensors.filter { $0.model == 1 }.map(\.fileName) == ["a1.blk.0.attn_q.weight.delta"])
  }

  @Test("a model that is no child of the reference is stored whole, with a warning")
  func unrelated() async throws {
    let written = try await convert(
      Tiny.checkpoint(), Tiny.checkpoint(seed: 2), ConversionOptions(delta: .packed(.ternary)))
    #expect(written.report.models[1].changedTensors == 0)
    #expect(written.report.models[1].ownTensors == written.manifest.configuration.tensors.count)
    #expect(written.report.warnings.contains { $0.contains("16 of 16 matrices") && $0.contains("= 1.4") })
  }

  @Test("a difference that bfloat16 has eaten is warned of")
  func rounded() async throws {
    func rounding(_ model: Checkpoint) -> Checkpoint {
      model.configuration.tensors.reduce(model) { model, spec in
        model.changing(spec.name) { tensor in
          for index in tensor.values.indices {
            tensor.values[index] = Float(bitPattern: (tensor.values[index].bitPattern &+ 0x8000) & 0xffff_0000)
          }
        }
      }
    }
    let base = rounding(Tiny.checkpoint())
    for (noise, isRounded, isWarned) in [
      (Float(1e-3), true, true), (1e-3, false, false), (0.05, true, false),
    ] {
      let tuned = child(of: base, noise: noise)
      let report = try await convert(base, isRounded ? rounding(tuned) : tuned, ConversionOptions()).report
      #expect(report.warnings.contains { $0.hasPrefix("rounding to bfloat16") } == isWarned, "\(noise) \(isRounded)")
    }
  }

  @Test("NaN in a difference: a warning, refused when strict", arguments: ["int4", "lowrank:2"])
  func nonFinite(storage: String) async throws {
    let delta = try #require(DeltaStorage(storage))
    let base = Tiny.checkpoint()
    let tuned = child(of: base, noise: 0.01).changing("blk.1.ffn_up.weight") { $0.values[3] = .nan }
    let written = try await convert(base, tuned, ConversionOptions(delta: delta))
    #expect(written.report.warnings.contains { $0.contains("1 weights of blk.1.ffn_up.weight.delta of m1 are NaN") })
    await #expect(throws: ConversionError.nonFinite(tensor: "blk.1.ffn_up.weight.delta", model: "m1", count: 1)) {
      _ = try await convert(base, tuned, ConversionOptions(delta: delta, isStrict: true))
    }
  }

  @Test("an adapter of NaN is not taken for none")
  func nonFiniteAdapter() async throws {
    let name = "blk.1.ffn_gate.weight"
    var tuned = Tiny.checkpoint()
    tuned.updates = [
      name: LowRankUpdate(
        rank: 2, left: Array(repeating: .nan, count: 100), right: Array(repeating: .nan, count: 48), scale: 1)
    ]
    let written = try await convert(Tiny.checkpoint(), tuned, ConversionOptions())
    #expect(written.report.warnings.contains { $0.hasPrefix("148 weights of \(name) of m1 are NaN") })
    #expect(written.report.warnings.contains { $0.hasPrefix("m1 is the reference") })
    await #expect(throws: ConversionError.nonFinite(tensor: name, model: "m1", count: 148)) {
      _ = try await convert(Tiny.checkpoint(), tuned, ConversionOptions(isStrict: true))
    }
  }

  @Test("an aligned model that is the reference is said to be")
  func equalModels() async throws {
    let base = Tiny.checkpoint()
    let written = try await convert(base, base, ConversionOptions())
    #expect(written.report.warnings.contains { $0.hasPrefix("m1 is the reference") })
    let other = try await convert(base, child(of: base, noise: 0.1), ConversionOptions())
    #expect(!other.report.warnings.contains { $0.hasPrefix("m1 is the reference") })
  }

  @Test("the same input gives the same bytes, however many tasks share the work", arguments: ["ternary", "lowrank:4"])
  func determinism(storage: String) async throws {
    let delta = try #require(DeltaStorage(storage))
    var configuration = Tiny.configuration(rows: 4_400)
    configuration.hiddenSize = 1_024
    configuration.layers = 1
    configuration.layerSlides = [false]
    let base = Tiny.checkpoint(configuration)
    let tuned = base.changing("token_embd.weight") { for index in $0.values.indices { $0.values[index] *= 1.01 } }
    var files: [[UInt8]] = []
    for width in [1, 3] {
      _ = try await convert(base, tuned, ConversionOptions(bits: .four, delta: delta, width: width))
      files.append(try directory.bytes("a.dera"))
    }
    #expect(files[0] == files[1])
  }

  @Test("signs that the theory does not cover a pair")
  func theory() async throws {
    func warnings(_ change: (inout Checkpoint) -> Void) throws -> [String] {
      var base = Tiny.checkpoint()
      base.tokenizer = Tiny.tokenizer()
      base.endOfTextIDs = [1]
      base.chatTemplate = "{{ messages[0].content }}"
      var tuned = child(of: base, noise: 0.01)
      change(&tuned)
      return try Tiny.converter(base, [tuned]).readInputs { _ in }.plan { _ in }.warnings
    }
    #expect(try warnings { _ in } == [])
    #expect(try warnings { $0.tags = ["trl", "dpo"] } == [])
    #expect(try warnings { $0.tags = ["sft", "kto"] } == [])
    #expect(try warnings { $0.tags = ["trl", "orpo"] }.map { $0.contains("says orpo") } == [true])
    #expect(try warnings { $0.chatTemplate = "x" }.map { $0.contains("the chat template of m1") } == [true])
    #expect(try warnings { $0.chatTemplate = nil } == [])
  }

  @Test("names of storages that there are not", arguments: ["", "int3", "lowrank", "lowrank:0", "lowrank:-1", "own "])
  func names(text: String) { #expect(DeltaStorage(text) == nil) }
}

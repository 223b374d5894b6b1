import DeRaBundle
import DeRaCheckpoints
import DeRaConversion
import DeRaGGUF
import DeRaModelSpec
import DeRaTensorCore
import DeRaTestSupport
import FoundationEssentials
import Testing

/// Plans for a budget, and what is written by them.
@Suite("Planning")
struct PlanningTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Large enough that the matrices are most of the file.
  private static let configuration: ModelConfiguration = {
    var configuration = ModelConfiguration.tiny(vocabulary: 512)
    configuration.hiddenSize = 96
    configuration.feedForwardSize = 192
    return configuration
  }()

  /// The reference, one with small random changes of all matrices, and one with a change of rank 2 of one of them.
  private func inputs(
    _ options: ConversionOptions = ConversionOptions(), rules: [String] = []
  ) throws -> ConversionInputs {
    let base = Tiny.checkpoint(Self.configuration)
    let other = Tiny.checkpoint(Self.configuration, seed: 9)
    let noisy = base.configuration.tensors.filter(\.role.isMatrix).reduce(base) { model, spec in
      model.changing(spec.name) { tensor in
        for (index, value) in other.values(spec.name).enumerated() { tensor.values[index] += 0.01 * value }
      }
    }
    let simple = base.changing("blk.1.ffn_up.weight") { tensor in
      for index in tensor.values.indices {
        let (row, column) = index.quotientAndRemainder(dividingBy: tensor.columns)
        tensor.values[index] += 0.01 * (Float(row % 7) - 3) * Float(column % 5) + 0.005 * Float(column % 3)
      }
    }
    var inputs = try Tiny.converter(base, [noisy, simple], options).readInputs { _ in }
    try inputs.apply(try rules.map { try #require(TensorRule($0)) })
    return inputs
  }

  private func planner(_ inputs: ConversionInputs) async throws -> StoragePlanner {
    StoragePlanner(
      try await inputs.survey { _ in }, configuration: inputs.configuration, fixed: inputs.options.choices)
  }

  private func leastBytes(_ inputs: ConversionInputs, _ planner: StoragePlanner) -> Int? {
    do {
      _ = try inputs.plan(budget: 1, planner) { _ in }
    } catch ConversionError.budgetTooSmall(budget: 1, let least) {
      return least
    } catch {
      Issue.record("\(error)")
    }
    return nil
  }

  @Test("a budget is kept, the file is as large as the plan says, and more bytes are better")
  func budgets() async throws {
    var options = ConversionOptions()
    options.goal = AllocationGoal(budget: 1)
    let inputs = try inputs(options)
    let planner = try await planner(inputs)
    let least = try #require(leastBytes(inputs, planner))
    #expect(throws: ConversionError.budgetTooSmall(budget: least - 1, least: least)) {
      _ = try inputs.plan(budget: least - 1, planner) { _ in }
    }
    var predictions: [Double] = []
    for budget in [least, least + 1, least + 5_000, least * 5 / 4, least * 3 / 2, least * 2, least * 3, least * 20] {
      let (plan, choice) = try inputs.plan(budget: budget, planner) { _ in }
      let path = "\(directory.path)/a.dera"
      let report = try await plan.write(to: path) { _ in }
      let file = try GGUFFile(path: path)
      #expect(file.file.bytes.count == plan.outputBytes)
      #expect(plan.outputBytes <= budget)
      #expect(report.outputBytes == plan.outputBytes)
      #expect(report.bits == nil)
      let manifest = try BundleManifest(file: file)
      #expect(manifest.provenance.contains("\"goal\":"))
      check(choice.choices, manifest)
      predictions.append(choice.predictedKL)
    }
    #expect(zip(predictions, predictions.dropFirst()).allSatisfy { $0 >= $1 })
    #expect((predictions.first ?? 0) > 2 * (predictions.last ?? 0))
    // No budget falls back to the smallest plan: its header is never what a larger plan fails at.
    let stepped = try (0..<40).map {
      try inputs.plan(budget: least + least * $0 / 20, planner) { _ in }.choice.predictedKL
    }
    #expect(zip(stepped, stepped.dropFirst()).allSatisfy { $1 <= 1.05 * $0 })
    // With room for everything, the matrices are exact and no part of a difference is left out.
    let finest = try inputs.plan(budget: least * 20, planner) { _ in }.choice.choices
    #expect(finest.base.values.allSatisfy { $0 == .f16 })
    #expect(finest.changes[1]?.values.contains(.shared) == false)
  }

  /// Every choice is stored, but for changes that are none or larger than the matrix.
  private func check(_ choices: TensorChoices, _ manifest: BundleManifest) {
    for (name, codec) in choices.base { #expect(manifest.tensor(name, model: 0)?.codec == .packed(codec)) }
    for (model, changes) in choices.changes {
      for (name, storage) in changes {
        switch (storage, manifest.change(name, model: model)) {
        case (.packed(let codec), .delta(let tensor)): #expect(tensor.codec == .packed(codec))
        case (.lowRank(let rank), .lowRank(let a, _)): #expect(a.rows == rank)
        case (.shared, .shared), (.own, .own), (.packed, .own), (.lowRank, .own): break
        default: Issue.record("\(name) of model \(model) was to be \(storage.name)")
        }
      }
    }
  }

  @Test("of a difference of low rank the factors are chosen, and what is equal is shared")
  func survey() async throws {
    let inputs = try inputs()
    let planner = try await planner(inputs)
    let choices = try #require(planner.within(bytes: .max)).choices
    #expect(choices.changes[2]?["blk.0.ffn_up.weight"] == .shared)
    let least = try #require(leastBytes(inputs, planner))
    let tight = try inputs.plan(budget: least * 3 / 2, planner) { _ in }.choice.choices
    #expect(tight.changes[2]?["blk.1.ffn_up.weight"] == .lowRank(4))
  }

  @Test("rules are kept by any budget")
  func rules() async throws {
    let rules = [
      "blk.*=int4", "*.attn_v.weight=f16", "m1:*ffn*=sign", "m1:*attn_q*=f16", "m1:*attn_k*=lowrank:500",
      "m2:blk.1.ffn_up.weight=lowrank:3",
    ]
    let inputs = try inputs(rules: rules)
    let planner = try await planner(inputs)
    for choices in [
      try #require(planner.within(bytes: .max)).choices, planner.least.choices, inputs.options.choices,
    ] {
      #expect(choices.base["blk.0.attn_v.weight"] == .f16)
      #expect(choices.base["blk.1.ffn_down.weight"] == .int4)
      #expect(choices.changes[1]?["blk.0.ffn_gate.weight"] == .packed(.int1))
      #expect(choices.changes[1]?["blk.0.attn_q.weight"] == .packed(.f16))
      #expect(choices.changes[2]?["blk.1.ffn_up.weight"] == .lowRank(3))
    }
    #expect(inputs.options.choices.base["token_embd.weight"] == nil)
    let plan = try inputs.plan { _ in }
    #expect(plan.report.tensors.first { $0.name == "blk.0.ffn_gate.weight" }?.changes == ["sign", "shared"])
    #expect(plan.report.tensors.first { $0.name == "token_embd.weight" }?.changes == ["own int8", "shared"])
    #expect(throws: ConversionError.noSuchTensor("blk.7.*")) { _ = try self.inputs(rules: ["blk.7.*=int4"]) }
    #expect(throws: ConversionError.noSuchModel("m9", aligned: ["m1", "m2"])) {
      _ = try self.inputs(rules: ["m9:*=sign"])
    }
  }

  /// An adapter of one matrix of 192 × 96, and the model that it makes.
  private func adapted(rank: Int, _ options: ConversionOptions, poison: Float = 0) throws -> ConversionInputs {
    let base = Tiny.checkpoint(Self.configuration)
    let name = "blk.1.ffn_up.weight"
    var left = (0..<192 * rank).map { Float($0 % 11) * 1e-3 }
    let right = (0..<rank * 96).map { Float($0 % 7) * 1e-2 }
    var adapted = base.changing(name) { tensor in
      for index in tensor.values.indices {
        let (row, column) = index.quotientAndRemainder(dividingBy: 96)
        tensor.values[index] += (0..<rank).reduce(0) { $0 + left[row * rank + $1] * right[$1 * 96 + column] }
      }
    }
    left[5] += poison
    adapted.updates = [name: LowRankUpdate(rank: rank, left: left, right: right, scale: 1)]
    return try Tiny.converter(base, [adapted], options).readInputs { _ in }
  }

  @Test("an adapter whose factors are larger than the matrix is merged, not left out")
  func largeAdapter() async throws {
    let inputs = try adapted(rank: 90, ConversionOptions())
    let planner = try await planner(inputs)
    let (plan, choice) = try inputs.plan(budget: 1 << 30, planner) { _ in }
    #expect(plan.report.tensors.first { $0.name == "blk.1.ffn_up.weight" }?.changes != ["shared"])
    #expect(choice.leftOut[1] == 0 && choice.predictedKL > 0)
  }

  @Test("an adapter with a number that is none keeps the rest of it, and is refused when strict")
  func poisonedAdapter() async throws {
    for poison in [Float.nan, .infinity] {
      let inputs = try adapted(rank: 2, ConversionOptions(), poison: poison)
      let planner = try await planner(inputs)
      let (plan, _) = try inputs.plan(budget: 1 << 30, planner) { _ in }
      #expect(plan.report.tensors.first { $0.name == "blk.1.ffn_up.weight" }?.changes == ["lowrank:2"])
      let report = try await plan.write(to: "\(directory.path)/a.dera") { _ in }
      #expect(report.warnings.contains { $0.hasPrefix("1 weights of blk.1.ffn_up.weight of m1 are NaN or infinite") })
      _ = try JSONEncoder().encode(report)
      let strict = try adapted(rank: 2, ConversionOptions(isStrict: true), poison: poison)
      #expect(throws: ConversionError.nonFinite(tensor: "blk.1.ffn_up.weight", model: "m1", count: 1)) {
        _ = try strict.plan { _ in }
      }
    }
  }

  @Test("every way to store a matrix has a line, the chosen ones an arrow")
  func explanation() async throws {
    let inputs = try inputs()
    let planner = try await planner(inputs)
    let least = try #require(leastBytes(inputs, planner))
    let (plan, choice) = try inputs.plan(budget: least * 3 / 2, planner) { _ in }
    let name = "blk.1.ffn_up.weight"
    let explanation = try planner.explanation(of: name, models: inputs.names, plan: plan.report, choice: choice)
    #expect(explanation.ways.count { $0.isStored } == 3)
    let lines = explanation.text.split(separator: "\n")
    #expect(lines[0].hasPrefix("\(name): up, 192 × 96"))
    let chosen = lines.filter { $0.hasPrefix("→") && !$0.hasPrefix("→ is stored") }.map { line -> String in
      let words = line.split(separator: " ")
      return "\(words[1]) \(words[2])"
    }
    #expect(chosen.count == 3)
    #expect(chosen.last == "m2 lowrank:4")
    let rows = lines.map { $0.split(separator: " ").joined(separator: " ") }
    for row in ["base f16", "base int4", "m1 shared", "m1 sign", "m1 ternary", "m2 lowrank:32", "m2 own"] {
      #expect(rows.contains { $0.contains("\(row) ") }, "\(row)")
    }
    #expect(lines.count == 31)
    #expect(throws: ConversionError.noSuchTensor("nothing")) {
      _ = try planner.explanation(of: "nothing", models: inputs.names, plan: plan.report, choice: choice)
    }
  }

  @Test("the plan's pictures fit the terminal", arguments: [50, 60, 100, 200])
  func picture(width: Int) throws {
    let report = try inputs(rules: ["m1:*=ternary"]).plan { _ in }.report
    let text = report.text(width: width, usesColor: false)
    #expect(!text.contains("\u{1B}"))
    let bars = text.split(separator: "\n").filter { $0.hasSuffix(" MB") }
    #expect(bars.count == 14)
    #expect(bars.allSatisfy { $0.count <= width })
    let layer = try #require(bars.first { $0.hasPrefix("layer 1 ") })
    #expect(layer.contains("▒"))
    #expect(report.text(width: width, usesColor: true).contains("\u{1B}[36m█"))
    func bytes(_ parts: [PlanReport.Part]) -> Int { parts.reduce(0) { $0 + $1.baseBytes + $1.changeBytes } }
    #expect(bytes(report.layers) == bytes(report.roles))
  }
}

import DeRa
import DeRaEvaluation
import DeRaTestSupport
import FoundationEssentials
import RealModule
import Testing

/// Answers of random likelihoods and what NumPy makes of them; see Tests/Fixtures/sweep/generate.py.
private struct Case: Decodable {
  var lambdas: [Float]
  /// `[prompts][answers]`
  var groups: [[[String: Double]]]
  /// Mean and both ends.
  var figures: [String: [Double]]
}

private func header(
  prompts: Int, seeds: Int, models: [String], lambdas: [String], _ settings: [String: String] = [:]
) -> SweepHeader {
  let plain = ["temperature": "1.0", "top_k": "0", "top_p": "1.0", "plausible": "0.0", "max_tokens": "99"]
  return SweepHeader(
    bundle: "x.dera", models: models, settings: plain.merging(settings) { $1 }, lambdas: lambdas, seeds: seeds,
    prompts: (0..<prompts).map { SweepHeader.Prompt(id: nil, text: "\($0)") }, rewards: [], shard: .whole)
}

private func record(
  _ lambda: String, prompt: Int, seed: Int, _ values: [String: Double], _ reason: FinishReason = .stop
) -> SampleRecord {
  SampleRecord(
    SampleKey(lambda: lambda, prompt: prompt, seed: seed), id: nil, samplerSeed: 0,
    drawn: BatchSampler.Drawn(tokens: [1], text: "", finishReason: reason), values: values)
}

@Suite struct ExactMixtureTests {
  @Test func figuresAreNumpys() throws {
    let cases = try JSONDecoder().decode([Case].self, from: Fixtures.data("sweep/mixtures.json"))
    for item in cases {
      let models = ["reference", "a", "b"]
      let header = header(prompts: item.groups.count, seeds: 500, models: models, lambdas: ["a=0,b=0"])
      let lambda = header.text(of: Realignment(lambdas: item.lambdas))
      let records = item.groups.enumerated().flatMap { prompt, answers in
        answers.enumerated().map { record(lambda, prompt: prompt, seed: $0, $1) }
      }
      let result = try ExactMixture(header).compare(lambda, records)
      #expect(result.prompts == item.groups.count { $0.count >= ExactMixture.minimumAnswers })
      for (name, expected) in item.figures {
        let found: ConfidenceInterval? =
          switch name {
          case "effective_share": result.effectiveShare
          case "kl_drawn_exact": result.divergence
          default: result.figures[String(name.dropLast(".exact".count))]?.exact
          }
        let figure = try #require(found, "\(name)")
        for (value, right) in zip([figure.mean, figure.low ?? .nan, figure.high ?? .nan], expected) {
          #expect(abs(value - right) <= 1e-9 * max(1, abs(right)), "\(lambda), \(name): \(value), not \(right)")
        }
      }
      // Cauchy and Schwarz, which the threshold of the meaningful range rests on, hold for every sample.
      if item.groups.count == 1 {
        let figure = try #require(result.figures["tokens"])
        let values = item.groups[0].map { $0["tokens"] ?? 0 }
        let variance =
          values.reduce(0) { $0 + ($1 - figure.drawn.mean) * ($1 - figure.drawn.mean) } / Double(values.count)
        let bound = (variance * (1 / result.effectiveShare.mean - 1)).squareRoot()
        #expect(abs(figure.difference.mean) <= bound)
      }
    }
  }

  /// Two texts of two tokens whose distributions are known: draws of the blend, weighed, give the exact mixture's figures.
  @Test func enumerableTextsGiveTheExactMixture() throws {
    // p(first token), p(second | first) of both models; a text is (i, j).
    let (reference, aligned) = ([0.6, 0.8, 0.3], [0.4, 0.8, 0.7])
    func chance(_ model: [Double], _ text: Int) -> Double {
      let (first, second) = (text / 2, text % 2)
      let conditional = model[1 + first]
      return (first == 0 ? model[0] : 1 - model[0]) * (second == 0 ? conditional : 1 - conditional)
    }
    func power(_ left: Double, _ right: Double) -> Double { right * right / left }
    // Token by token, each normalised.
    let blend = zip(reference, aligned).map { power($0, $1) / (power($0, $1) + power(1 - $0, 1 - $1)) }
    let drawn = (0..<4).map { chance(blend, $0) }
    let raw = (0..<4).map { power(chance(reference, $0), chance(aligned, $0)) }
    let exact = raw.map { $0 / raw.reduce(0, +) }
    let count = 100_000
    var generator = RandomGenerator(seed: 3)
    let header = header(prompts: 1, seeds: count, models: ["reference", "a"], lambdas: ["0", "2"])
    let records = (0..<count).map { seed -> SampleRecord in
      var (rest, text) = (generator.nextUnit(), 0)
      while text < 3, rest >= drawn[text] {
        rest -= drawn[text]
        text += 1
      }
      let values = [
        "log_likelihood.reference": Double.log(chance(reference, text)),
        "log_likelihood.a": Double.log(chance(aligned, text)),
        "log_likelihood.policy": Double.log(drawn[text]), "tokens": Double(text), "kl": 0.0,
      ]
      return record("2", prompt: 0, seed: seed, values)
    }
    let result = try ExactMixture(header).compare("2", records)
    let mean = exact.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element }
    let plain = drawn.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element }
    let divergence = zip(drawn, exact).reduce(0) { $0 + $1.0 * Double.log($1.0 / $1.1) }
    let distance = (0..<4).reduce(0) { $0 + exact[$1] * Double.log(exact[$1] / chance(reference, $1)) }
    let share = 1 / zip(drawn, exact).reduce(0) { $0 + $1.1 * $1.1 / $1.0 }
    let tokens = try #require(result.figures["tokens"])
    #expect(abs(mean - plain) > 0.05, "the two distributions differ")
    #expect(abs(tokens.exact.mean - mean) < 0.02 && abs(tokens.drawn.mean - plain) < 0.02)
    #expect(abs(result.effectiveShare.mean - share) < 0.01)
    #expect(abs(result.divergence.mean - divergence) < 0.005)
    #expect(abs((result.figures["kl"]?.exact.mean ?? 0) - distance) < 0.02)
  }

  @Test func whereWeightsAreWrongThereAreNone() throws {
    let values = ["log_likelihood.reference": -1.0, "log_likelihood.a": -2, "log_likelihood.policy": -1, "tokens": 1]
    func compare(_ settings: [String: String], count: Int = 8, _ reason: FinishReason = .stop) throws -> ExactComparison
    {
      let header = header(prompts: 1, seeds: 9, models: ["reference", "a"], lambdas: ["0"], settings)
      return try ExactMixture(header).compare("0", (0..<count).map { record("0", prompt: 0, seed: $0, values, reason) })
    }
    let whole = try compare([:])
    #expect(whole.effectiveShare.mean == 1 && whole.effectiveShare.low == 1 && whole.divergence.mean == 0)
    for (settings, error) in [
      (["temperature": "0.7"], ExactMixtureError.temperature("0.7")), (["top_k": "5"], .truncation("top-k 5")),
      (["top_p": "0.9"], .truncation("top-p 0.9")), (["plausible": "0.1"], .truncation("the plausibility mask")),
      (["reference_prompt": "x"], .referencePrompt),
    ] { #expect(throws: error) { try compare(settings) } }
    #expect(throws: ExactMixtureError.fewAnswers) { try compare([:], count: 7) }
    #expect(throws: ExactMixtureError.fewAnswers) { try compare([:], .length) }
  }

  @Test func meaningfulRangeEndsWhereTheShareFalls() throws {
    let range = try #require(MeaningfulRange([(2, 0.6), (-1, 0.2), (0, 1), (3, 0.1), (-0.5, 0.8), (4, 0.9)]))
    #expect(range.low == -0.5 && range.high == 2 && range.below?.fails == -1 && range.above?.fails == 3)
    let open = try #require(MeaningfulRange([(0, 1), (1, 1), (2, nil)]))
    #expect(open.low == 0 && open.high == 1 && open.below == nil && open.above?.fails == 2)
    #expect(MeaningfulRange([(1, 1)]) == nil && MeaningfulRange([(0, nil), (1, 1)]) == nil)
  }
}

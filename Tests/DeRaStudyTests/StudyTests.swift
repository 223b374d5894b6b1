import DeRa
import DeRaEvaluation
import DeRaKernels
import DeRaStudy
import DeRaTestSupport
import FoundationEssentials
import Testing

/// Figures that NumPy and the training's rewards computed; made by Tests/Fixtures/study/generate.py.
private struct StudyFigures: Decodable {
  struct Tiny: Decodable {
    var vocabulary: Int
    var length: Int
    var lambda: Double
    var reference: [Double]
    var rewards: [Double]
    var aligned: [Double]
    var realigned: [Double]
    var exact: [Double]
    var divergence: Double
    var reward: Double
  }
  struct Rewarded: Decodable {
    var text: String
    var brief: Double
    var happy: Double
    var words: Int
  }

  var tiny: Tiny
  var rewards: [Rewarded]

  static func load() throws -> StudyFigures {
    try JSONDecoder().decode(StudyFigures.self, from: Fixtures.data("study/figures.json"))
  }
}

@Suite struct StudyTests {
  @Test func rewardsAreThoseOfTheTraining() throws {
    for row in try StudyFigures.load().rewards {
      #expect(wordCount(row.text) == row.words, "\(row.text)")
      #expect(abs(StoryReward.brief(row.text) - row.brief) < 1e-12, "\(row.text)")
      #expect(abs(StoryReward.happy(row.text) - row.happy) < 1e-12, "\(row.text)")
    }
  }

  @Test func enumerationIsNumPys() throws {
    let figures = try StudyFigures.load().tiny
    let language = TinyLanguage(
      vocabulary: figures.vocabulary, length: figures.length, reference: figures.reference, rewards: figures.rewards)
    let aligned = language.optimum(beta: 1)
    let exact = language.optimum(beta: 1 / figures.lambda)
    let realigned = language.realigned(aligned, lambda: figures.lambda)
    for (actual, expected) in [(aligned, figures.aligned), (exact, figures.exact), (realigned, figures.realigned)] {
      let isClose = zip(actual, expected).allSatisfy { abs($0 - $1) < 1e-10 }
      #expect(isClose)
    }
    #expect(abs(TinyLanguage.divergence(exact, realigned) - figures.divergence) < 1e-10)
    #expect(abs(language.reward(realigned) - figures.reward) < 1e-10)
  }

  /// The blend is exact at λ = 0 and λ = 1, and everywhere for texts of one token.
  @Test(arguments: TinyLanguage.RewardKind.allCases) func blendsAreExactWhereTheyMustBe(kind: TinyLanguage.RewardKind) {
    let language = TinyLanguage(vocabulary: 3, length: 4, kind: kind, seed: 2)
    let aligned = language.optimum(beta: 1)
    #expect(TinyLanguage.divergence(language.reference, language.realigned(aligned, lambda: 0)) < 1e-12)
    #expect(TinyLanguage.divergence(aligned, language.realigned(aligned, lambda: 1)) < 1e-12)
    #expect(TinyLanguage.divergence(language.optimum(beta: 0.5), language.realigned(aligned, lambda: 2)) > 1e-4)
    let token = TinyLanguage(vocabulary: 5, length: 1, kind: kind, seed: 2)
    let blended = token.realigned(token.optimum(beta: 1), lambda: 2.5)
    #expect(abs(TinyLanguage.divergence(token.optimum(beta: 0.4), blended)) < 1e-12)
  }

  @Test func storiesDoNotDependOnTheirCompany() throws {
    let bundle = try ModelBundle(path: Fixtures.storyteller)
    let engine = try Engine(pool: ThreadPool(threads: 2))
    let realignment = Realignment(lambdas: [0.5, 0])
    let alone = try StorySampler(bundle: bundle, engine: engine, width: 1, contextLength: 60)
      .sample(realignment, seeds: 7..<10)
    let together = try StorySampler(bundle: bundle, engine: engine, width: 4, contextLength: 60)
      .sample(realignment, seeds: 5..<11)
    #expect(alone == Array(together[2..<5]))
    #expect(Set(together).count == 6)
    #expect(together.allSatisfy { (2...60).contains($0.count) })
  }

  @Test func divergenceFromOneselfIs0() throws {
    let bundle = try ModelBundle(path: Fixtures.storyteller)
    let engine = try Engine(pool: ThreadPool(threads: 2))
    let (first, second) = (Realignment(lambdas: [0.5, 0]), Realignment(lambdas: [0, 1]))
    let text = try StorySampler(bundle: bundle, engine: engine, width: 1, contextLength: 90).sample(first, seeds: 3..<4)
    let divergence = try PolicyDivergence(
      policy: (bundle, first), others: (bundle, [first, second, Realignment(lambdas: [0, 0])]), contextLength: 90,
      engine: engine)
    let sums = try divergence(text[0])
    #expect(abs(sums[0]) < 1e-3)
    #expect(sums[1] > 0.05)
    #expect(sums[2] > 0.01)
  }

  @Test func agreementSeesWhatAgrees() {
    func sample(_ mean: Double, _ seed: UInt64) -> StorySample {
      var generator = RandomGenerator(seed: seed)
      return StorySample(
        (0..<80).map { _ in
          Story(
            words: mean + generator.nextUnit(), brief: 0, happy: 0, divergences: [], isFinished: true, text: "")
        }, groups: 8)
    }
    let pairs = (0..<5).map { index -> (left: StorySample, right: StorySample) in
      (left: sample(Double(index), UInt64(index)), right: sample(2 * Double(index), UInt64(9 + index)))
    }
    let agreement = Agreement(pairs, \.words)
    #expect(agreement.pearson > 0.99)
    #expect(agreement.spearman > 0.999)
    #expect(agreement.pearsonInterval.low > 0.98)
    #expect(agreement.pearsonInterval.low <= agreement.pearson)
    #expect(abs(agreement.distance - 2) < 0.2)
    let same = Agreement(pairs.map { (left: $0.left, right: $0.left) }, \.words)
    #expect(same.distance == 0)
  }
}

import DeRa
import DeRaEvaluation
import DeRaKernels
import DeRaTokenization

/// The paper's experiments on the embedded family: the same reward at several β, really trained, against one aligned model
/// and λ.
package final class Study {
  /// β of the aligned model that λ is applied to.
  package static let beta = 0.2
  /// λ of both rewards in the grid.
  package static let grid: [Float] = [0, 0.5, 1, 1.5, 2]

  /// One form of the models: a name and the bundle that holds it.
  package struct Form {
    package let name: String
    package let bundle: ModelBundle
    package let blend: Blend
    /// `[models]`: λ of an aligned model by its name.
    let realignment: ([String: Float]) -> Realignment

    package init(name: String, bundle: ModelBundle, blend: Blend = .logits) {
      self.name = name
      self.blend = blend
      self.bundle = bundle
      let models = bundle.manifest.models.dropFirst()
      realignment = { lambdas in Realignment(lambdas: models.map { lambdas[$0] ?? 0 }) }
    }
  }

  /// A strength, and the name of the model retrained with it.
  package struct Strength: Sendable {
    package let lambda: Float
    package let beta: Double
    package let model: String
  }

  package let strengths: [Strength]
  package let forms: [Form]
  private let family: Form
  private let tokenizer: Tokenizer
  private let stories: Int
  private let groups: Int
  private let engine: Engine
  private let progress: (String) throws -> Void
  private var samplers: [String: StorySampler] = [:]

  /// - Parameters:
  ///   - family: 16 bits; reference, `brief`, `happy`, `pretrained`, and `brief-beta-B` for every other β.
  ///   - forms: other forms of `reference`, `brief` and `happy`.
  ///   - stories: stories of every policy, a multiple of `groups`.
  ///   - progress: called before every policy; what it throws ends the study.
  /// - Throws: `StudyError.notTheFamily`.
  package init(
    family: ModelBundle, forms: [Form], stories: Int, groups: Int, engine: Engine,
    progress: @escaping (String) throws -> Void
  ) throws {
    let models = family.manifest.models
    for name in ["brief", "happy", "pretrained"] where !models.contains(name) {
      throw StudyError.notTheFamily("it has no model '\(name)'")
    }
    guard let tokenizer = family.tokenizer else { throw StudyError.notTheFamily("it has no tokenizer") }
    let betas = models.compactMap { name in
      name.hasPrefix("brief-beta-") ? Double(name.dropFirst("brief-beta-".count)).map { ($0, name) } : nil
    }
    guard betas.count > 1 else { throw StudyError.notTheFamily("it has no retrained models 'brief-beta-B'") }
    strengths = (betas + [(Self.beta, "brief")]).sorted { $0.0 > $1.0 }.map {
      Strength(lambda: Float(Self.beta / $0.0), beta: $0.0, model: $0.1)
    }
    self.family = Form(name: "16 bits", bundle: family)
    self.forms = [self.family, Form(name: "16 bits, weights blended", bundle: family, blend: .weights)] + forms
    self.tokenizer = tokenizer
    self.stories = stories
    self.groups = groups
    self.engine = engine
    self.progress = progress
  }

  /// How many policies are sampled in all.
  package var policyCount: Int { strengths.count * (forms.count + 2) + Self.grid.count * Self.grid.count }

  /// The policies that every sample of a strength is compared with; the raw value is the index into
  /// `Story.divergences`.
  package enum Comparison: Int, Sendable {
    case reference, retrained, realigned
  }

  /// The models retrained, one sample a strength.
  package func retrained() throws -> [StorySample] {
    try strengths.enumerated().map { index, strength in
      try draw(family, [strength.model: 1], stream: 1 + index, comparisons(strength), "β = \(strength.beta)")
    }
  }

  /// A form of the models at every strength.
  package func realigned(_ form: Form) throws -> [StorySample] {
    try strengths.enumerated().map { index, strength in
      try draw(
        form, ["brief": strength.lambda], stream: 101 + index, comparisons(strength),
        "\(form.name), λ = \(strength.lambda)")
    }
  }

  /// The early checkpoint in the reference's place.
  package func realignedFromPretrained() throws -> [StorySample] {
    try strengths.enumerated().map { index, strength in
      try draw(
        family, ["brief": strength.lambda, "pretrained": 1 - strength.lambda], stream: 101 + index,
        comparisons(strength), "from the early checkpoint, λ = \(strength.lambda)")
    }
  }

  /// `[λ of happy][λ of brief]`
  package func twoRewards() throws -> [[StorySample]] {
    try Self.grid.enumerated().map { row, happy in
      try Self.grid.enumerated().map { column, brief in
        try draw(
          family, ["brief": brief, "happy": happy], stream: 201 + row * Self.grid.count + column,
          [family.realignment([:])], "brief \(brief), happy \(happy)")
      }
    }
  }

  private func comparisons(_ strength: Strength) -> [Realignment] {
    [
      family.realignment([:]), family.realignment([strength.model: 1]),
      family.realignment(["brief": strength.lambda]),
    ]
  }

  private func draw(
    _ form: Form, _ lambdas: [String: Float], stream: Int, _ others: [Realignment], _ what: String
  ) throws -> StorySample {
    try progress(what)
    let realignment = form.realignment(lambdas)
    let sampler = try samplers[form.name] ?? StorySampler(bundle: form.bundle, engine: engine, blend: form.blend)
    samplers[form.name] = sampler
    // Streams of seeds do not meet: samples of different policies are independent unless they share a stream.
    let first = UInt64(stream) * 1_000_000
    let texts = try sampler.sample(realignment, seeds: first..<first + UInt64(stories))
    let divergence = try PolicyDivergence(
      policy: (form.bundle, realignment), blend: form.blend, others: (family.bundle, others), engine: engine)
    return StorySample(try texts.map { try story($0, divergence) }, groups: groups)
  }

  private func story(_ tokens: [Int32], _ divergence: PolicyDivergence) throws -> Story {
    let text = String(decoding: tokenizer.decode(tokens, skipSpecial: true), as: UTF8.self)
    let ends = family.bundle.manifest.endOfTextIDs
    return Story(
      words: Double(wordCount(text)), brief: StoryReward.brief(text), happy: StoryReward.happy(text),
      divergences: try divergence(tokens), isFinished: tokens.last.map { ends.contains(Int($0)) } ?? false, text: text)
  }
}

extension Study {
  /// The largest |ln p_λ − ln of the normalised p_ref^(1−λ)·p_a^λ| over the tokens of some stories and the vocabulary, with the
  /// logits that decoding uses.
  package func combinationError(_ form: Form, lambdas: [Float]) throws -> [Double] {
    let session = try DecodingSession(bundle: form.bundle, contextLength: 320, engine: engine)
    let texts = try StorySampler(bundle: form.bundle, engine: engine).sample(form.realignment([:]), seeds: 0..<4)
    return try lambdas.map { lambda in
      var worst = 0.0
      for text in texts {
        session.truncate(to: 0)
        for token in text.dropLast() {
          try session.append(CollectionOfOne(token))
          let reference = logProbabilities(try session.logits(form.realignment([:])))
          let aligned = logProbabilities(try session.logits(form.realignment(["brief": 1])))
          let blend = logProbabilities(try session.logits(form.realignment(["brief": lambda])))
          let mixture = zip(reference, aligned).map { (1 - Double(lambda)) * $0 + Double(lambda) * $1 }
          let total = LogitDistribution.logSum(mixture)
          for (actual, expected) in zip(blend, mixture) { worst = max(worst, (actual - expected + total).magnitude) }
        }
      }
      return worst
    }
  }

  private func logProbabilities(_ logits: UnsafeMutableBufferPointer<Float>) -> [Double] {
    let values = logits.map(Double.init)
    let total = LogitDistribution.logSum(values)
    return values.map { $0 - total }
  }
}

/// A bundle is not the family that a study needs.
enum StudyError: Error, CustomStringConvertible {
  case notTheFamily(String)

  var description: String {
    switch self {
    case .notTheFamily(let what):
      "the bundle is not the study's family of retrained models: \(what); tools/study/run makes it"
    }
  }
}

import DeRa

/// The settings of a sweep: the first line of its file. Everything that decides an answer or a figure is in `settings`,
/// so two files whose settings are equal may be joined, and a sweep may resume a file with other λ or more seeds.
package struct SweepHeader: Codable, Sendable, Equatable {
  package static let kind = "sweep"
  package static let version = 1

  package struct Prompt: Codable, Sendable, Equatable {
    package var id: String?
    package var text: String

    package init(id: String?, text: String) {
      self.id = id
      self.text = text
    }
  }

  package var kind = SweepHeader.kind
  package var version = SweepHeader.version
  /// Name of the bundle's file.
  package var bundle: String
  /// The bundle's models, the reference first.
  package var models: [String]
  package var settings: [String: String]
  /// The λ asked for, in order.
  package var lambdas: [String]
  package var seeds: Int
  package var prompts: [Prompt]
  package var rewards: [String]
  package var shard: Shard

  package init(
    bundle: String, models: [String], settings: [String: String], lambdas: [String], seeds: Int, prompts: [Prompt],
    rewards: [String], shard: Shard
  ) {
    self.bundle = bundle
    self.models = models
    self.settings = settings
    self.lambdas = lambdas
    self.seeds = seeds
    self.prompts = prompts
    self.rewards = rewards
    self.shard = shard
  }

  /// The prompts of this shard, by index into `prompts`.
  package var ownPrompts: [Int] { prompts.indices.filter(shard.includes) }

  /// Every answer that this shard must have, in the file's order.
  package var keys: [SampleKey] { lambdas.flatMap(keys) }

  /// The keys under one λ.
  package func keys(lambda: String) -> [SampleKey] {
    ownPrompts.flatMap { prompt in (0..<seeds).map { SampleKey(lambda: lambda, prompt: prompt, seed: $0) } }
  }

  /// The first setting in which another header differs; nil when answers may be shared.
  package func difference(from other: SweepHeader) -> String? {
    if version != other.version { return "version" }
    if models != other.models { return "models" }
    if prompts != other.prompts { return "prompts" }
    let names = Set(settings.keys).union(other.settings.keys).sorted()
    return names.first { settings[$0] != other.settings[$0] }
  }

  /// Whether answers are of two prompts, which λ of the prompt blends.
  package var hasReferencePrompt: Bool { settings[Self.referencePromptSetting] != nil }
  /// The setting with the digest of the reference prompts.
  package static let referencePromptSetting = "reference_prompt"

  /// The λ of a text.
  /// - Throws: `RealignmentError`.
  package func realignment(_ text: String) throws(RealignmentError) -> Realignment {
    try .parse(text, models: Array(models.dropFirst()), hasReferencePrompt: hasReferencePrompt)
  }

  /// The text of a λ.
  package func text(of realignment: Realignment) -> String {
    realignment.description(models: Array(models.dropFirst()), hasReferencePrompt: hasReferencePrompt)
  }

  /// Where λ are on a chart's axis: at the λ of the one aligned model in which they differ, or, where they differ in several, one
  /// after another.
  package func axis(of lambdas: [String]) -> LambdaAxis {
    let voices = models.dropFirst() + (hasReferencePrompt ? [Realignment.promptName] : [])
    let points = lambdas.map { text in
      (try? realignment(text)).map { $0.lambdas + (hasReferencePrompt ? [$0.prompt] : []) } ?? []
    }
    let varied = voices.indices.map { $0 - voices.startIndex }.filter { voice in
      Set(points.map { $0.count > voice ? $0[voice] : 0 }).count > 1
    }
    guard varied.count <= 1, points.allSatisfy({ $0.count == voices.count }), !voices.isEmpty else {
      return LambdaAxis(label: "point of the grid", names: lambdas, places: lambdas.indices.map { Double($0 + 1) })
    }
    let voice = varied.first ?? 0
    let values = points.map { Realignment(lambdas: [$0[voice]]) }
    return LambdaAxis(
      label: voices.count > 1 ? "λ of \(Array(voices)[voice])" : "λ", names: values.map { $0.description(models: []) },
      places: values.map { Double($0.lambdas[0]) })
  }
}

/// λ laid along an axis.
package struct LambdaAxis: Sendable, Equatable {
  package var label: String
  /// Names as short as the label allows.
  package var names: [String]
  package var places: [Double]
}

/// Which answer.
package struct SampleKey: Hashable, Sendable {
  package var lambda: String
  package var prompt: Int
  package var seed: Int

  package init(lambda: String, prompt: Int, seed: Int) {
    self.lambda = lambda
    self.prompt = prompt
    self.seed = seed
  }
}

/// An answer and its figures: one line of a sweep's file.
package struct SampleRecord: Codable, Sendable, Equatable {
  package var lambda: String
  /// Index of the prompt.
  package var prompt: Int
  package var id: String?
  /// Number of the seed, from 0.
  package var seed: Int
  /// The seed that the sampler was started with; the same under every λ.
  package var samplerSeed: UInt64
  package var finishReason: FinishReason
  package var text: String
  /// Tokens drawn, an end-of-text token included.
  package var tokens: [Int32]
  /// Figures by name; what is not finite or does not exist is left out.
  package var values: [String: Double]

  enum CodingKeys: String, CodingKey {
    case lambda, prompt, id, seed, samplerSeed, finishReason, text, values
    case tokens = "tokenIds"
  }

  package init(
    _ key: SampleKey, id: String?, samplerSeed: UInt64, drawn: BatchSampler.Drawn, values: [String: Double]
  ) {
    lambda = key.lambda
    prompt = key.prompt
    self.id = id
    seed = key.seed
    self.samplerSeed = samplerSeed
    finishReason = drawn.finishReason
    text = drawn.text
    tokens = drawn.tokens
    self.values = values
  }

  package var key: SampleKey { SampleKey(lambda: lambda, prompt: prompt, seed: seed) }
}

extension SweepHeader {
  /// The records in the order of finished files: the λ asked for in their order, others by size, then prompts, then seeds.
  package func sorted(_ records: some Sequence<SampleRecord>) -> [SampleRecord] {
    let order = Dictionary(lambdas.enumerated().map { ($1, $0) }) { first, _ in first }
    func rank(_ lambda: String) -> (Int, Double) { (order[lambda] ?? lambdas.count, axis(of: [lambda]).places[0]) }
    let ranks = Dictionary(records.map { ($0.lambda, rank($0.lambda)) }) { first, _ in first }
    return records.sorted { left, right in
      let (one, other) = (ranks[left.lambda] ?? (0, 0), ranks[right.lambda] ?? (0, 0))
      if one != other { return one < other }
      return (left.lambda, left.prompt, left.seed) < (right.lambda, right.prompt, right.seed)
    }
  }
}

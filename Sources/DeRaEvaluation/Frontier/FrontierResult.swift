/// The measurements of one way to hold the models.
package struct FrontierResult: Sendable, Equatable, Codable {
  /// `8+ternary`
  package var name: String
  /// The curve it belongs to.
  package var family: String
  /// λ blends the weights of one model that runs instead of the logits of all.
  package var blendsWeights: Bool
  /// Models quantised on their own in files of their own: what a bundle competes with.
  package var isSeparate: Bool
  /// The command that makes the bundle.
  package var command: String
  /// Bytes of the file, or of all files.
  package var fileBytes: Int
  /// Resident bytes of the process that wrote text, the file's pages included.
  package var memoryBytes: Int
  /// Tokens a second where all models run.
  package var rate: Spread
  /// Weights that a token reads.
  package var readBytesPerToken: Int
  /// One for every λ, in the order asked for.
  package var quality: [Quality]

  /// The distance from the 16-bit models' predictions at one λ.
  package struct Quality: Sendable, Equatable, Codable {
    package var lambda: String
    package var perplexity: Estimate
    /// Mean KL(16 bits ‖ this), nats a token.
    package var divergence: Estimate
    /// Share of tokens where the likeliest one is the same.
    package var sameTop: Estimate

    package init(lambda: String, perplexity: Estimate, divergence: Estimate, sameTop: Estimate) {
      self.lambda = lambda
      self.perplexity = perplexity
      self.divergence = divergence
      self.sameTop = sameTop
    }
  }

  package init(
    name: String, family: String, blendsWeights: Bool = false, isSeparate: Bool = false, command: String,
    fileBytes: Int, memoryBytes: Int,
    rate: Spread, readBytesPerToken: Int, quality: [Quality]
  ) {
    self.name = name
    self.family = family
    self.blendsWeights = blendsWeights
    self.isSeparate = isSeparate
    self.command = command
    self.fileBytes = fileBytes
    self.memoryBytes = memoryBytes
    self.rate = rate
    self.readBytesPerToken = readBytesPerToken
    self.quality = quality
  }

  /// The λ at which most is lost. A bundle is chosen before anybody knows which λ will be used.
  package var worst: Quality? { quality.max { $0.divergence.value < $1.divergence.value } }

  /// Mean KL at that λ; infinite when nothing was measured.
  package var loss: Double { worst?.divergence.value ?? .infinity }

  /// Models of the same bits as `count` programs side by side, each with its own file and its turn to compute.
  /// - Parameters:
  ///   - single: one model alone; its `quality` is not used.
  ///   - quality: the quality of a bundle in which every model is stored whole; the predictions are the same.
  package static func separate(
    _ single: FrontierResult, count: Int, quality: [Quality], name: String
  ) -> FrontierResult {
    FrontierResult(
      name: name, family: "separate models", isSeparate: true, command: single.command,
      fileBytes: single.fileBytes * count, memoryBytes: single.memoryBytes * count, rate: single.rate / Double(count),
      readBytesPerToken: single.readBytesPerToken * count,
      quality: quality)
  }
}

extension [FrontierResult] {
  /// Names of those that no other beats in bytes without losing more (Pareto's front), smallest first.
  package var front: [String] {
    var best = Double.infinity
    return sorted { ($0.fileBytes, $0.loss) < ($1.fileBytes, $1.loss) }.filter { result in
      defer { best = Swift.min(best, result.loss) }
      return result.loss < best
    }.map(\.name)
  }
}

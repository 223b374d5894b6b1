import RealModule

/// Importance weights of the answers to one prompt: how much likelier each is under a target than under what drew it.
///
/// A weight W is known up to a factor that all answers to the prompt share, so W is divided by its mean over them. Every
/// estimate is the mean of one number an answer, its linearisation (delta method), from which intervals are made.
struct MixtureWeights {
  /// W / mean W; 1 on average.
  let ratios: [Double]
  /// ln of the same.
  private let logarithms: [Double]
  /// ln mean W, the logarithm of the target's normaliser.
  let logMean: Double

  /// - Parameter logWeights: ln W of each answer, finite, at least one.
  init(_ logWeights: [Double]) {
    // The largest first: no power overflows, and the largest is 1.
    let largest = logWeights.max() ?? 0
    let sum = logWeights.reduce(0) { $0 + Double.exp($1 - largest) }
    let logMean = largest + Double.log(sum / Double(logWeights.count))
    self.logMean = logMean
    logarithms = logWeights.map { $0 - logMean }
    ratios = logarithms.map { Double.exp($0) }
  }

  /// (ΣW)² / (N ΣW²): the share of N independent draws from the target that these are worth (Kong, 1992).
  var effectiveShare: Double { Double(ratios.count) / ratios.reduce(0) { $0 + $1 * $1 } }

  /// Numbers whose mean is `effectiveShare`.
  var shareTerms: [Double] {
    let share = effectiveShare
    return ratios.map { share * $0 * (2 - share * $0) }
  }

  /// Numbers, none below 0, whose mean is ln mean W − mean ln W, the estimate of KL(drawn ‖ target). It is low by about
  /// (1/share − 1) / 2N nats, since the logarithm of a mean is on average below the logarithm of what it estimates.
  var divergenceTerms: [Double] { zip(ratios, logarithms).map { $0 - 1 - $1 } }

  /// The mean of a figure under the target.
  func mean(_ values: [Double]) -> Double {
    zip(ratios, values).reduce(0) { $0 + $1.0 * $1.1 } / Double(ratios.count)
  }

  /// Numbers whose mean is the figure's mean under the target.
  func terms(_ values: [Double]) -> [Double] {
    let mean = mean(values)
    return zip(ratios, values).map { mean + $0 * ($1 - mean) }
  }

  /// Numbers whose mean is Σ target · value − ln of the normaliser: with ln Π π^w − ln π_ref as values it is
  /// KL(target ‖ π_ref).
  func divergenceTerms(_ values: [Double]) -> [Double] {
    zip(ratios, terms(values)).map { $1 - logMean - ($0 - 1) }
  }
}

import DeRaModelSpec
import DeRaTensorCore

/// Decides what every matrix is stored as, from a survey of them.
package struct StoragePlanner: Sendable {
  /// The chosen storage, and its expected cost.
  package struct Choice: Sendable {
    package let choices: TensorChoices
    /// Bytes of the matrices alone.
    package let bytes: Int
    /// Mean over the ends of the λ range and the aligned models, nats.
    package let predictedKL: Double
    /// The part of each aligned model's difference that is not stored, by the model's number; it acts like a smaller λ.
    package let leftOut: [Int: Double]
    let allocation: Allocation
  }

  let survey: [TensorSurvey]
  let items: [AllocationItem]
  private let fixed: TensorChoices
  let range: LambdaRange
  /// s of each matrix.
  private let weights: [Double]

  /// - Parameters:
  ///   - survey: all matrices, from `ConversionInputs.survey`.
  ///   - fixed: choices that are made already, which the survey was made with.
  package init(
    _ survey: [TensorSurvey], configuration: ModelConfiguration, sensitivity: Sensitivity = Sensitivity(),
    range: LambdaRange = .usual, fixed: TensorChoices = TensorChoices()
  ) {
    self.survey = survey
    self.fixed = fixed
    self.range = range
    weights = survey.map { sensitivity.weight(of: $0.spec, in: configuration) }
    items = Self.items(survey, weights, sensitivity, range)
  }

  /// The fewest bytes there are.
  package var least: Choice { choice(.least(items)) }

  /// The least KL expected in at most so many bytes of matrices; nil where they do not fit.
  package func within(bytes: Int) -> Choice? { Allocation.within(bytes: bytes, items).map(choice) }

  /// The fewest bytes with a KL expected to be at most this; nil where none has it.
  package func within(predictedKL: Double) -> Choice? {
    Allocation.within(distortion: predictedKL, items).map(choice)
  }

  private func choice(_ allocation: Allocation) -> Choice {
    var choices = fixed
    for (tensor, pick) in zip(survey, allocation.picks) {
      choices.base[tensor.spec.name] = tensor.base[pick.base].codec
      for (model, change) in pick.changes.enumerated() {
        choices.changes[model + 1, default: [:]][tensor.spec.name] = tensor.changes[model][change].storage
      }
    }
    return Choice(
      choices: choices, bytes: allocation.cost.bytes, predictedKL: allocation.cost.distortion,
      leftOut: leftOut(allocation), allocation: allocation)
  }

  private func leftOut(_ allocation: Allocation) -> [Int: Double] {
    var left: [Int: Double] = [:]
    for model in survey.first?.changes.indices ?? 0..<0 {
      var (lost, all) = (0.0, 0.0)
      for ((tensor, weight), pick) in zip(zip(survey, weights), allocation.picks) {
        let part = weight * tensor.differences[model]
        all += part
        lost += part * tensor.changes[model][pick.changes[model]].lost
      }
      left[model + 1] = all > 0 ? lost / all : 0
    }
    return left
  }

  private static func items(
    _ survey: [TensorSurvey], _ weights: [Double], _ sensitivity: Sensitivity, _ range: LambdaRange
  ) -> [AllocationItem] {
    let models = survey.first?.changes.count ?? 0
    let squareMean = range.mean { $0 * $0 }
    let ownWeight = range.mean { (1 - $0) * (1 - $0) } + squareMean
    // K · p for each unit of s · Σ D² / Σ W².
    let alignments = (0..<models).map { model -> Double in
      let total = zip(survey, weights).reduce(0) { $0 + $1.1 * $1.0.differences[model] }
      guard total > 0 else { return 0 }
      let estimate = min(sensitivity.greatestEstimate, sensitivity.estimatedAlignment * total)
      return (sensitivity.alignments[model + 1] ?? estimate) / total
    }
    return zip(survey, weights).map { tensor, weight in
      AllocationItem(
        base: tensor.base.map {
          let error = $0.error + ($0.codec == .f16 ? 0 : sensitivity.activationError)
          return AllocationItem.Base(bytes: $0.bytes, distortion: weight * error)
        },
        changes: tensor.changes.enumerated().map { model, changes in
          let unit = squareMean / Double(models) * alignments[model] * weight * tensor.differences[model]
          return changes.map {
            AllocationItem.Change(
              bytes: $0.bytes, distortion: unit * ($0.lost + sensitivity.noiseWeight * $0.noise))
          }
        }, ownWeight: ownWeight)
    }
  }
}

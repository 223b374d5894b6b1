import DeRaCalibration
import DeRaConversion
import DeRaText

/// A request for a plan.
package struct PlanningRequest {
  /// nil when the options say it all.
  package var goal: AllocationGoal?
  /// A text to measure on and to round for.
  package var calibration: CalibrationText?
  /// The matrix whose choices are to be explained.
  package var explain: String?
  /// Only the plan is wanted.
  package var isDryRun = false
  /// The bundle to write.
  package var output: String?

  package init() {}
}

/// Finds a plan for what was asked, and carries it out.
package struct Planning {
  package struct Result {
    package var plan: PlanReport
    package var explanation: String?
    /// nil for a dry run.
    package var report: ConversionReport?
    package var warnings: [String]
  }

  /// The part of a difference whose absence is worth a warning.
  private static let leftOutLimit = 0.05

  private var inputs: ConversionInputs
  private let request: PlanningRequest
  private let progress: ConversionProgressHandler

  package init(
    _ inputs: ConversionInputs, _ request: PlanningRequest, _ progress: @escaping ConversionProgressHandler
  ) {
    self.inputs = inputs
    self.request = request
    self.progress = progress
  }

  /// - Throws: what conversion and measuring throw, and `PlanningError`.
  package mutating func run() async throws -> Result {
    var measurement: Measurement?
    if let text = request.calibration {
      let made = try await Measurement(
        inputs, text: text, output: request.output, range: range, progress)
      inputs.calibration = try made.statistics()
      measurement = made
    }
    guard let goal = request.goal else { return try await plain(measurement) }
    var sensitivity = Sensitivity(activations: inputs.options.activations)
    if let measurement { sensitivity.alignments = try measurement.alignments() }
    let planner = StoragePlanner(
      try await inputs.survey(progress: progress), configuration: inputs.configuration, sensitivity: sensitivity,
      range: goal.lambdaRange, fixed: inputs.options.choices)
    var found: Found
    if let budget = goal.budget {
      let (plan, choice) = try inputs.plan(budget: budget, planner, progress: progress)
      found = Found(plan: plan, choice: choice)
    } else {
      guard let target = goal.targetKL, let measurement else { return try await plain(measurement) }
      found = try await search(target, planner, measurement)
    }
    return try await finish(found, goal, planner, measurement, sensitivity)
  }

  private var range: LambdaRange { request.goal?.lambdaRange ?? .usual }

  /// A plan and, once it was tried, how far it is from full precision.
  private struct Found {
    var plan: BundlePlan
    var choice: StoragePlanner.Choice?
    var measured: [PlanReport.Measurement] = []

    var worst: Double { measured.map(\.kl).max() ?? .infinity }
  }

  /// The smallest plan found whose measured KL is at most `target`.
  private func search(_ target: Double, _ planner: StoragePlanner, _ measurement: Measurement) async throws -> Found {
    var search = TargetSearch(target: target)
    let best = try await search.run { wanted -> TargetSearch.Candidate<Found>? in
      guard let choice = planner.within(predictedKL: wanted) ?? planner.within(bytes: .max) else { return nil }
      let plan = try inputs.plan(choice.choices, progress)
      return TargetSearch.Candidate(
        plan: Found(plan: plan, choice: choice), predicted: choice.predictedKL, bytes: plan.outputBytes)
    } measure: { found in
      found.measured = try await measurement.measure(found.plan)
      return found.worst
    }
    guard let best else {
      let finest = planner.within(bytes: .max)
      throw PlanningError.targetTooSmall(target, prediction: finest?.predictedKL ?? 0)
    }
    return best.plan
  }

  private func plain(_ measurement: Measurement?) async throws -> Result {
    let found = Found(plan: try inputs.plan(progress))
    return try await finish(found, nil, nil, measurement, Sensitivity())
  }

  private func finish(
    _ found: Found, _ goal: AllocationGoal?, _ planner: StoragePlanner?, _ measurement: Measurement?,
    _ sensitivity: Sensitivity
  ) async throws -> Result {
    var plan = found.plan.report
    plan.goal = goal
    plan.predictedKL = found.choice?.predictedKL
    plan.measured = found.measured
    let remarks = warnings(sensitivity) + leftOut(found.choice)
    var result = Result(plan: plan, warnings: found.plan.warnings + remarks)
    if let tensor = request.explain {
      result.explanation = try await explanation(of: tensor, plan, found.choice, planner)
    }
    if let output = request.output, !request.isDryRun {
      result.report = try await found.plan.write(to: output, progress: progress)
      result.report?.warnings += remarks
      if plan.measured.isEmpty, let measurement { result.plan.measured = try measurement.measure(output) }
      if goal != nil || measurement != nil { result.report?.plan = result.plan }
    } else if plan.measured.isEmpty, let measurement {
      result.plan.measured = try await measurement.measure(found.plan)
    }
    return result
  }

  /// Warnings from the measured distances of the aligned models.
  private func warnings(_ sensitivity: Sensitivity) -> [String] {
    zip(1..., inputs.names.dropFirst()).compactMap { number, name in
      guard let divergence = sensitivity.alignments[number], divergence > 1 else { return nil }
      return
        "\(name) is \(significant(divergence)) nats a token from the reference on this text; training with a "
        + "KL penalty does not go that far, so λ is a heuristic between these models"
    }
  }

  private func leftOut(_ choice: StoragePlanner.Choice?) -> [String] {
    zip(1..., inputs.names.dropFirst()).compactMap { number, name in
      guard let share = choice?.leftOut[number], share > Self.leftOutLimit else { return nil }
      return
        "\(fixed(share * 100, 0)) % of \(name)'s difference from the reference is left out, since the reference "
        + "loses more than that in so few bytes; it acts like a smaller λ"
    }
  }

  private func explanation(
    of tensor: String, _ plan: PlanReport, _ choice: StoragePlanner.Choice?, _ planner: StoragePlanner?
  ) async throws -> String {
    var planner = planner
    if planner == nil {
      var free = inputs
      free.options.choices = TensorChoices()
      planner = StoragePlanner(
        try await free.survey([tensor], progress: progress), configuration: inputs.configuration,
        sensitivity: Sensitivity(activations: inputs.options.activations), range: range)
    }
    return try planner?.explanation(of: tensor, models: inputs.names, plan: plan, choice: choice) ?? ""
  }
}

/// Why there is no plan.
package enum PlanningError: Error, Equatable, CustomStringConvertible {
  case targetTooSmall(Double, prediction: Double)

  package var description: String {
    switch self {
    case .targetTooSmall(let target, let prediction):
      "no plan that was tried has a KL of at most \(significant(target)) nats on this text; the finest one is "
        + "predicted to have \(significant(prediction))"
    }
  }
}

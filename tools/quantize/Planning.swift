import DeRaCalibration
import DeRaConversion

/// Finds a plan for what was asked, and carries it out.
struct Planning {
  struct Result {
    var plan: PlanReport
    var explanation: String?
    /// nil for a dry run.
    var report: ConversionReport?
    var warnings: [String]
  }

  /// Candidates that are written and measured at most for --target-kl.
  private static let rounds = 6

  /// The part of a difference whose absence is worth a warning.
  private static let leftOutLimit = 0.05

  private var inputs: ConversionInputs
  private let arguments: PlanningArguments
  private let output: String?
  private let progress: ConversionProgressHandler

  init(
    _ inputs: ConversionInputs, _ arguments: PlanningArguments, output: String?,
    _ progress: @escaping ConversionProgressHandler
  ) {
    self.inputs = inputs
    self.arguments = arguments
    self.output = output
    self.progress = progress
  }

  /// - Throws: what conversion and measuring throw, and `PlanningError`.
  mutating func run() async throws -> Result {
    var measurement: Measurement?
    if let argument = arguments.calibration {
      let made = try await Measurement(
        inputs, text: CalibrationText(argument), output: output, range: range, progress)
      inputs.calibration = try made.statistics()
      measurement = made
    }
    guard let goal = arguments.goal else { return try await plain(measurement) }
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

  private var range: LambdaRange { arguments.goal?.lambdaRange ?? .usual }

  /// A plan and, once it was tried, how far it is from full precision.
  private struct Found {
    var plan: BundlePlan
    var choice: StoragePlanner.Choice?
    var measured: [PlanReport.Measurement] = []

    var worst: Double { measured.map(\.kl).max() ?? .infinity }
  }

  /// The smallest plan found whose measured KL is at most `target`.
  ///
  /// The measured KL is nearly proportional to the predicted one, so every round asks for the prediction that the last
  /// ones suggest, between the largest that was good enough and the smallest that was not.
  private func search(_ target: Double, _ planner: StoragePlanner, _ measurement: Measurement) async throws -> Found {
    var best: Found?
    var (good, bad) = (0.0, Double.infinity)
    var wanted = target
    var last: TensorChoices?
    for _ in 0..<Self.rounds {
      guard let choice = planner.within(predictedKL: wanted) ?? planner.within(bytes: .max) else { break }
      if choice.choices == last { break }
      last = choice.choices
      var found = Found(plan: try inputs.plan(choice.choices, progress), choice: choice)
      found.measured = try await measurement.measure(found.plan)
      let predicted = choice.predictedKL
      if found.worst <= target {
        good = max(good, predicted)
        if found.plan.outputBytes < best?.plan.outputBytes ?? .max { best = found }
      } else {
        // Nothing better can be asked for.
        if predicted > wanted || predicted >= bad { break }
        bad = predicted
      }
      // Within five per cent, or with nothing left between: that is it.
      if found.worst <= target && found.worst > 0.95 * target { break }
      var next = predicted * target * 0.98 / max(found.worst, target / 16)
      if next <= good || next >= bad { next = bad.isFinite ? (max(good, bad / 16) * bad).squareRoot() : next }
      if next <= good * 1.01 || next >= bad * 0.999 { break }
      wanted = next
    }
    guard let best else {
      let finest = planner.within(bytes: .max)
      throw PlanningError.targetTooSmall(target, prediction: finest?.predictedKL ?? 0)
    }
    return best
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
    if let tensor = arguments.explain {
      result.explanation = try await explanation(of: tensor, plan, found.choice, planner)
    }
    if let output, !arguments.dryRun {
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
        "\(name) is \(NumberText.significant(divergence)) nats a token from the reference on this text; training with a "
        + "KL penalty does not go that far, so λ is a heuristic between these models"
    }
  }

  private func leftOut(_ choice: StoragePlanner.Choice?) -> [String] {
    zip(1..., inputs.names.dropFirst()).compactMap { number, name in
      guard let share = choice?.leftOut[number], share > Self.leftOutLimit else { return nil }
      return
        "\(NumberText.decimal(share * 100, 0)) % of what \(name) changes is left out, since the reference loses more than "
        + "that in so few bytes; it acts like a smaller λ"
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
enum PlanningError: Error, CustomStringConvertible {
  case targetTooSmall(Double, prediction: Double)

  var description: String {
    switch self {
    case .targetTooSmall(let target, let prediction):
      "no plan that was tried has a KL of at most \(NumberText.significant(target)) nats on this text; the finest one is "
        + "predicted to have \(NumberText.significant(prediction)): raise --target-kl or narrow --lambda-range"
    }
  }
}

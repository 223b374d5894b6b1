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
///
/// With a text, weights are rounded for one part of it (error feedback), and whatever is measured, compared or promised is of
/// the other part, which is held out.
package struct Planning {
  package struct Result {
    package var plan: PlanReport
    /// nil for a dry run.
    package var report: ConversionReport?
    package var warnings: [String]
  }

  private var inputs: ConversionInputs
  private let request: PlanningRequest
  private let progress: ConversionProgressHandler
  private let started = ContinuousClock.now

  package init(
    _ inputs: ConversionInputs, _ request: PlanningRequest, _ progress: @escaping ConversionProgressHandler
  ) {
    self.inputs = inputs
    self.request = request
    self.progress = progress
  }

  /// - Throws: what conversion and measuring throw, and `PlanningError`.
  package mutating func run() async throws -> Result {
    guard let text = request.calibration else {
      return try await finish(find(inputs, planner(Sensitivity(activations: inputs.options.activations)), nil))
    }
    let measurement = try await Measurement(inputs, text: text, output: request.output, range: range, progress)
    let reading = try measurement.read()
    var sensitivity = Sensitivity(activations: inputs.options.activations)
    sensitivity.alignments = reading.alignments
    let planner = try await planner(sensitivity)
    var found = try await bestRounded(planner, measurement, isFar: text.isStandard && reading.isFar)
    found.calibration?.bitsPerByte = reading.bitsPerByte
    found.remarks = PlanRemarks.all(names: inputs.names, reading, text, found.calibration) + found.remarks
    return try await finish(found)
  }

  private var range: LambdaRange { request.goal?.lambdaRange ?? .usual }

  /// nil where the options say all.
  private func planner(_ sensitivity: Sensitivity) async throws -> StoragePlanner? {
    guard let goal = request.goal else { return nil }
    return StoragePlanner(
      try await inputs.survey(progress: progress), configuration: inputs.configuration, sensitivity: sensitivity,
      range: goal.lambdaRange, fixed: inputs.options.choices)
  }

  /// A plan and, where there is a text, the bundle that was measured.
  private struct Found {
    var plan: BundlePlan
    var planner: StoragePlanner?
    var choice: StoragePlanner.Choice?
    var trial: Trial?
    var calibration: PlanReport.Calibration?
    var remarks: [String] = []
  }

  // MARK: Rounding

  /// The plan with weights rounded for the text, or plainly rounded where that is no worse on the part held out.
  /// - Parameter isFar: the reference is not at home in the text, so it is not to be rounded for.
  private mutating func bestRounded(
    _ planner: StoragePlanner?, _ measurement: Measurement, isFar: Bool
  ) async throws -> Found {
    let plain = inputs
    var record = PlanReport.Calibration(
      fittedTokens: measurement.fittedTokens, heldTokens: measurement.held.scoredTokens, rounding: .plain)
    if isFar {
      var found = try await find(plain, planner, measurement)
      record.plainKL = found.trial?.meanKL
      found.calibration = record
      return found
    }
    inputs.calibration = try measurement.statistics()
    var found: Found
    do {
      found = try await find(inputs, planner, measurement)
    } catch let error as PlanningError {
      // What is refused here may be within reach without it.
      guard let other = try? await find(plain, planner, measurement) else { throw error }
      inputs = plain
      record.plainKL = other.trial?.meanKL
      found = other
      found.calibration = record
      return found
    }
    let other = try await measurement.trial(of: plain.plan(choices(of: found), progress))
    record.calibratedKL = found.trial?.meanKL
    record.plainKL = other.meanKL
    record.rounding = Self.rounding(calibratedKL: found.trial?.meanKL ?? .infinity, plainKL: other.meanKL)
    if record.rounding == .plain {
      inputs = plain
      found = try await find(plain, planner, measurement)
    }
    found.calibration = record
    return found
  }

  /// The rounding to use, by mean KL on a text that neither was made for. Weights that are not rounded have equal figures.
  package static func rounding(calibratedKL: Double, plainKL: Double) -> PlanReport.Calibration.Rounding {
    calibratedKL <= plainKL ? .calibrated : .plain
  }

  private func choices(of found: Found) -> TensorChoices { found.choice?.choices ?? inputs.options.choices }

  // MARK: The plan

  /// The plan for the goal; measured where there is a text.
  private func find(
    _ inputs: ConversionInputs, _ planner: StoragePlanner?, _ measurement: Measurement?
  ) async throws -> Found {
    if let planner, let target = request.goal?.targetKL, let measurement {
      return try await search(target, inputs, planner, measurement)
    }
    var found: Found
    if let planner, let budget = request.goal?.budget {
      let (plan, choice) = try inputs.plan(budget: budget, planner, progress: progress)
      found = Found(plan: plan, planner: planner, choice: choice)
    } else {
      found = Found(plan: try inputs.plan(progress), planner: planner)
    }
    found.trial = try await measurement?.trial(of: found.plan)
    return found
  }

  /// The smallest plan found whose measured KL is at most `target`.
  private func search(
    _ target: Double, _ inputs: ConversionInputs, _ planner: StoragePlanner, _ measurement: Measurement
  ) async throws -> Found {
    var search = TargetSearch(target: target)
    let best = try await search.run { wanted -> TargetSearch.Candidate<Found>? in
      guard let choice = planner.within(predictedKL: wanted) ?? planner.within(bytes: .max) else { return nil }
      let plan = try inputs.plan(choice.choices, progress)
      return TargetSearch.Candidate(
        plan: Found(plan: plan, planner: planner, choice: choice), predicted: choice.predictedKL,
        bytes: plan.outputBytes)
    } measure: { found in
      let trial = try await measurement.trial(of: found.plan)
      found.trial = trial
      return trial.measured.map(\.kl).max() ?? .infinity
    }
    guard let best else {
      let finest = planner.within(bytes: .max)
      throw PlanningError.targetTooSmall(target, prediction: finest?.predictedKL ?? 0)
    }
    return best.plan
  }

  // MARK: The bundle

  private func finish(_ found: Found) async throws -> Result {
    var plan = found.plan.report
    plan.goal = request.goal
    plan.predictedKL = found.choice?.predictedKL
    plan.measured = found.trial?.measured ?? []
    plan.calibration = found.calibration
    let remarks = found.remarks + PlanRemarks.leftOut(found.choice, names: inputs.names)
    if let tensor = request.explain { plan.explanation = try await explanation(of: tensor, plan, found) }
    var result = Result(plan: plan, warnings: found.plan.warnings + remarks)
    guard let output = request.output, !request.isDryRun else { return result }
    if var trial = found.trial {
      try trial.keep(at: output)
      result.report = trial.report
    } else {
      result.report = try await found.plan.write(to: output, progress: progress)
    }
    result.report?.seconds = (ContinuousClock.now - started) / .seconds(1)
    result.report?.warnings += remarks
    if request.goal != nil || found.trial != nil || plan.explanation != nil { result.report?.plan = result.plan }
    return result
  }

  private func explanation(of tensor: String, _ plan: PlanReport, _ found: Found) async throws -> StorageExplanation? {
    var planner = found.planner
    if planner == nil {
      var free = inputs
      free.options.choices = TensorChoices()
      planner = StoragePlanner(
        try await free.survey([tensor], progress: progress), configuration: inputs.configuration,
        sensitivity: Sensitivity(activations: inputs.options.activations), range: range)
    }
    return try planner?.explanation(of: tensor, models: inputs.names, plan: plan, choice: found.choice)
  }
}

/// Why there is no plan.
package enum PlanningError: Error, Equatable, CustomStringConvertible {
  case targetTooSmall(Double, prediction: Double)

  package var description: String {
    switch self {
    case .targetTooSmall(let target, let prediction):
      "no plan that was tried has a KL of at most \(significant(target)) nats on the held-out part of this text; the "
        + "finest one is predicted to have \(significant(prediction))"
    }
  }
}

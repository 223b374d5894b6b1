import DeRaModelSpec

extension ConversionInputs {
  /// Tries the ways of storing every matrix on some of its rows, and measures the differences on all of them.
  ///
  /// - Parameter tensors: only those of these names; nil for all.
  /// - Throws: `CheckpointError`, and what `progress` throws.
  package func survey(
    _ tensors: Set<String>? = nil, progress: @escaping ConversionProgressHandler
  ) async throws -> [TensorSurvey] {
    let specs = configuration.tensors.filter { $0.role.isMatrix && tensors?.contains($0.name) ?? true }
    let surveyors = specs.map { MatrixSurveyor(spec: $0, models: models, options: options) }
    var meter = ProgressMeter(
      phase: .weighing, total: specs.reduce(0) { $0 + $1.rows * $1.columns * 4 * models.count }, handler: progress)
    var found: [TensorSurvey] = []
    try await inOrder(count: specs.count, width: options.width) { index in
      try surveyors[index].survey()
    } consume: { survey in
      found.append(survey)
      try meter.advance(survey.spec.rows * survey.spec.columns * 4 * models.count, survey.spec.name)
    }
    return found
  }

  /// The plan of the least KL expected that fits in a budget, header, tokenizer and all.
  ///
  /// - Throws: `ConversionError.budgetTooSmall` with the least bytes that these models take; what `plan` throws.
  package func plan(
    budget: Int, _ planner: StoragePlanner, progress: @escaping ConversionProgressHandler
  ) throws -> (plan: BundlePlan, choice: StoragePlanner.Choice) {
    let least = planner.least
    let smallest = try plan(least.choices, progress)
    guard smallest.outputBytes <= budget else {
      throw ConversionError.budgetTooSmall(budget: budget, least: smallest.outputBytes)
    }
    // The header grows with the names of the changes; a page or two at most.
    var reserve = smallest.outputBytes - least.bytes
    for attempt in 0..<Self.attempts {
      guard let choice = planner.within(bytes: budget - reserve) else { break }
      let candidate = try plan(choice.choices, progress)
      if candidate.outputBytes <= budget { return (candidate, choice) }
      // More every time: what comes next may have another header again.
      reserve += (candidate.outputBytes - budget) << attempt
    }
    return (smallest, least)
  }

  /// The plan of some choices.
  /// - Throws: what `plan` throws.
  package func plan(
    _ choices: TensorChoices, _ progress: @escaping ConversionProgressHandler
  ) throws -> BundlePlan {
    var copy = self
    copy.options.choices = choices
    return try copy.plan(progress)
  }

  private static let attempts = 12
}

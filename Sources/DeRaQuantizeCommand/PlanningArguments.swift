import ArgumentParser
import DeRaCalibration
import DeRaConsole
import DeRaConversion
import DeRaPlanning
import DeRaTensorCore

/// The goal that the matrices' formats are chosen for.
struct PlanningArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Choose a format for each matrix: the least expected KL in a file of at most this size, everything in it "
        + "counted: \(ByteSize.rule).", valueName: "size", visibility: .default))
  var budget: ByteSize?

  @Option(
    name: .customLong("target-kl"),
    help: ArgumentHelp(
      "Choose a format for each matrix: the smallest file whose mean KL from full precision, measured on the held-out part of "
        + "--calibration, is at most this.",
      valueName: "nats"))
  var targetKL: Double?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The λ that the choice is made for. (default: \(LambdaRange.usual))", valueName: "from:to"))
  var lambdaRange: LambdaRange?

  @Option(
    help: ArgumentHelp(
      "A text like those the models will see, a few thousand words, or default for ours (44 kB: conversations, prose, "
        + "programs, sixteen languages); - reads standard input. Whole matrices are quantised with error feedback (GPTQ) on "
        + "three quarters of it. The rest is held out: plans are measured on it, and where plain rounding is better there, it "
        + "is used.",
      valueName: "file|default"), completion: .file())
  var calibration: String?

  @Option(help: ArgumentHelp("Show what each format of this matrix costs.", valueName: "tensor"))
  var explain: String?

  @Flag(help: "Show the plan and write no bundle.")
  var dryRun = false

  func validate() throws {
    if let targetKL, !(targetKL > 0 && targetKL <= 100) {
      throw ValidationError("--target-kl must be more than 0 and at most 100 nats")
    }
    if budget != nil && targetKL != nil { throw ValidationError("give --budget or --target-kl, not both") }
    if targetKL != nil && calibration == nil {
      throw ValidationError(
        "--target-kl is measured on a text: give one with --calibration FILE, or --calibration default")
    }
    if lambdaRange != nil && goal == nil {
      throw ValidationError("--lambda-range belongs to --budget or --target-kl")
    }
  }

  /// - Throws: `FileError` or `StreamError` when the text cannot be read.
  func request(output: String?) throws -> PlanningRequest {
    var request = PlanningRequest()
    request.goal = goal
    request.calibration = try calibration.map {
      $0 == Input.name ? CalibrationText(bytes: Array(try Input.readText().utf8)) : try CalibrationText($0)
    }
    request.explain = explain
    request.isDryRun = dryRun
    request.output = output
    return request
  }

  /// nil when `--bits` and `--delta` set one format for all matrices.
  var goal: AllocationGoal? {
    guard budget != nil || targetKL != nil else { return nil }
    return AllocationGoal(
      budget: budget?.bytes, targetKL: targetKL, lambdaRange: lambdaRange ?? .usual)
  }
}

extension LambdaRange: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
}

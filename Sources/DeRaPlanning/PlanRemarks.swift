import DeRaCalibration
import DeRaConversion
import DeRaText

/// Remarks that a plan's user should know before trusting its figures.
enum PlanRemarks {
  /// The part of a difference whose absence is worth a warning.
  private static let leftOutLimit = 0.05
  /// KL of an aligned model from the reference, nats a token: training with a KL penalty does not go that far.
  private static let alignmentLimit = 1.0
  /// Held-out tokens below which a measured KL is a rough figure.
  private static let fewTokens = 256

  static func all(
    names: [String], _ reading: Reading, _ text: CalibrationText, _ calibration: PlanReport.Calibration?
  ) -> [String] {
    apart(names, reading) + (text.unusedBytes > 0 ? [unused(text.unusedBytes)] : [])
      + (calibration.map { rounding($0, reading, text, reference: names[0]) } ?? [])
  }

  private static func apart(_ names: [String], _ reading: Reading) -> [String] {
    zip(1..., names.dropFirst()).compactMap { number, name in
      guard let divergence = reading.alignments[number], divergence > alignmentLimit else { return nil }
      return
        "\(name) is \(significant(divergence)) nats a token from the reference on this text; training with a "
        + "KL penalty does not go that far, so λ is a heuristic between these models"
    }
  }

  private static func unused(_ bytes: Int) -> String {
    "the last \(bytes) bytes of the calibration text are not used"
  }

  private static func rounding(
    _ calibration: PlanReport.Calibration, _ reading: Reading, _ text: CalibrationText, reference: String
  ) -> [String] {
    var remarks: [String] = []
    if reading.isFar {
      remarks.append(
        "\(reference) is not at home in the calibration text: it takes \(fixed(reading.bitsPerByte, 2)) bits a byte there, and "
          + "at most \(significant(Reading.farBitsPerByte)) are usual. "
          + (text.isStandard ? "Its weights are not rounded for this text. " : "")
          + "KL measured on it says little of what the model writes; give a text like those it will see")
    }
    if let calibrated = calibration.calibratedKL, let plain = calibration.plainKL, calibration.rounding == .plain {
      remarks.append(
        "weights are rounded plainly: rounded for the text they are further from full precision on its held-out part, "
          + "mean KL \(significant(calibrated)) instead of \(significant(plain)). The text may be too short or too uneven"
      )
    }
    if calibration.heldTokens < fewTokens {
      remarks.append(
        "only \(calibration.heldTokens) tokens of the text are held out and scored, so the measured KL is a rough "
          + "figure; a longer text makes it firm")
    }
    return remarks
  }

  static func leftOut(_ choice: StoragePlanner.Choice?, names: [String]) -> [String] {
    zip(1..., names.dropFirst()).compactMap { number, name in
      guard let share = choice?.leftOut[number], share > leftOutLimit else { return nil }
      return
        "\(fixed(share * 100, 0)) % of \(name)'s difference from the reference is left out, since the reference loses more than "
        + "that in so few bytes; it acts like a smaller λ"
    }
  }
}

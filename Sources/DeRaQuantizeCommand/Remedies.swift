import DeRaCalibration
import DeRaConsole
import DeRaConversion
import DeRaPlanning

extension ConversionError: Remediable {
  package var remedy: String? {
    switch self {
    case .nonFinite: "leave out --strict to store them as 0 and ±65504"
    case .duplicateName: "such as --aligned NAME=PATH"
    case .noSuchTensor: "--dry-run --json lists them"
    case .budgetTooSmall(_, let least): "raise --budget to that: --budget \(least)"
    default: nil
    }
  }
}

extension CalibrationError: Remediable {
  package var remedy: String? {
    switch self {
    case .textTooShort: "or take ours with --calibration default"
    default: nil
    }
  }
}

extension PlanningError: Remediable {
  package var remedy: String? {
    switch self {
    case .targetTooSmall: "raise --target-kl or narrow --lambda-range"
    }
  }
}

import DeRaText

extension PlanReport {
  /// The plan as a table and pictures for a terminal.
  /// - Parameters:
  ///   - width: columns of the terminal.
  ///   - usesColor: bars in colour.
  package func text(width: Int, usesColor: Bool) -> String {
    var lines = [heading, ""]
    lines += classTable.lines
    if !measured.isEmpty {
      let place = calibration.map { ", on \($0.heldTokens) tokens that no weight is rounded for" } ?? ""
      lines += ["", "Measured against full precision\(place)"] + measuredTable.lines
    }
    if let rounding { lines += ["", rounding] }
    let bars = PlanBars(width: width, usesColor: usesColor)
    lines += ["", "Bytes of each class (\(bars.legend))"] + bars.lines(roles)
    lines += ["", "Bytes of each layer (\(bars.legend))"] + bars.lines(layers)
    return lines.joined(separator: "\n")
  }

  private var heading: String {
    var text = "Plan: \(outputBytes) bytes (\(megabytes(outputBytes)) MB)"
    if let budget = goal?.budget { text += " of \(megabytes(budget)) MB" }
    if let predictedKL, let goal {
      text += ", predicted mean KL \(significant(predictedKL)) nats"
      // One model alone is the same under every λ.
      if Set(classes.map(\.model)).count > 1 { text += " at the ends of λ \(goal.lambdaRange)" }
    }
    if let target = goal?.targetKL { text += ", to be at most \(significant(target))" }
    return text
  }

  /// The rounding used and the other one's figure.
  private var rounding: String? {
    guard let calibration, let plain = calibration.plainKL, let calibrated = calibration.calibratedKL else {
      return nil
    }
    return switch calibration.rounding {
    case .calibrated:
      "Rounded for \(calibration.fittedTokens) tokens of the text: mean KL \(significant(calibrated)) on the others, plainly "
        + "rounded \(significant(plain))"
    case .plain:
      "Rounded plainly: mean KL \(significant(plain)), rounded for \(calibration.fittedTokens) tokens of the text "
        + "\(significant(calibrated))"
    }
  }

  private var classTable: Table {
    var table = Table([
      .init("model", .left), .init("class", .left), .init("storage", .left), .init("tensors"), .init("MB"),
      .init("bits/weight"),
    ])
    for row in classes {
      table.rows.append([
        row.model, row.role, row.storage, "\(row.tensors)", megabytes(row.bytes),
        fixed(row.bitsPerWeight, 2),
      ])
    }
    return table
  }

  private var measuredTable: Table {
    var table = Table([.init("model", .left), .init("λ"), .init("mean KL"), .init("±")])
    for row in measured {
      table.rows.append([
        row.model, shortest(row.lambda), significant(row.kl), significant(row.error),
      ])
    }
    return table
  }
}

/// Bars of the reference and its deltas, one below the other.
struct PlanBars {
  private static let barLimits = 8...60

  let width: Int
  let usesColor: Bool

  var legend: String { "\(painted("█", base: true)) reference, \(painted("▒", base: false)) deltas" }

  func lines(_ parts: [PlanReport.Part]) -> [String] {
    let names = parts.map(\.name.count).max() ?? 0
    let figures = parts.map { part in
      megabytes(part.baseBytes)
        + (part.changeBytes > 0 ? " + \(megabytes(part.changeBytes))" : "") + " MB"
    }
    let room = width - names - (figures.map(\.count).max() ?? 0) - 4
    let cells = min(max(room, Self.barLimits.lowerBound), Self.barLimits.upperBound)
    let most = Double(max(1, parts.map { $0.baseBytes + $0.changeBytes }.max() ?? 1))
    return zip(parts, figures).map { part, figure in
      let base = Int((Double(part.baseBytes) / most * Double(cells)).rounded())
      let both = Int((Double(part.baseBytes + part.changeBytes) / most * Double(cells)).rounded())
      let bar =
        painted(String(repeating: "█", count: base), base: true)
        + painted(String(repeating: "▒", count: both - base), base: false)
      let name = part.name + String(repeating: " ", count: names - part.name.count)
      return "\(name)  \(bar)\(String(repeating: " ", count: cells - both))  \(figure)"
    }
  }

  private func painted(_ text: String, base: Bool) -> String {
    usesColor && !text.isEmpty ? "\u{1B}[\(base ? 36 : 33)m\(text)\u{1B}[0m" : text
  }
}

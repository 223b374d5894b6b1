import DeRaText
import RealModule

/// One axis of a chart: what it shows, with its unit, and how.
package struct Axis: Sendable, Equatable {
  package enum Scale: Sendable, Equatable {
    case linear
    /// Powers of ten are equally far apart; values must be above 0.
    case logarithmic
  }

  /// `KL per story (nats)`
  package var label: String
  package var scale: Scale
  /// A value the axis must reach, such as 0 for bars.
  package var includes: Double?

  package init(_ label: String, scale: Scale = .linear, includes: Double? = nil) {
    self.label = label
    self.scale = scale
    self.includes = includes
  }
}

/// An axis laid over a range of values: where they are and where its ticks are.
struct AxisLayout {
  private let scale: Axis.Scale
  /// Ends of the axis, in the scale's own measure (the logarithm on a logarithmic axis).
  private let low: Double
  private let high: Double
  let ticks: [(value: Double, text: String)]

  /// - Parameter values: the values that the axis must show; those that it cannot (not finite, or not above 0) are left
  /// out.
  init(_ axis: Axis, values: [Double]) {
    scale = axis.scale
    let shown = (values + (axis.includes.map { [$0] } ?? [])).filter { AxisLayout.canShow($0, axis.scale) }
    let measures = shown.map { axis.scale == .linear ? $0 : Double.log10($0) }
    var (low, high) = (measures.min() ?? 0, measures.max() ?? 1)
    // Ends that rounding cannot tell apart would have no ticks between them.
    if !(high - low > max(abs(low), abs(high)) * 1e-12) || high - low < 1e-200 {
      let margin = max(abs(low) * 0.1, axis.scale == .linear ? 0.5 : 0.1)
      (low, high) = (low - margin, high + margin)
    }
    if axis.scale == .logarithmic {
      ticks = Self.decades(low, high)
      self.low = low - 0.03 * (high - low)
      self.high = high + 0.03 * (high - low)
      return
    }
    let step = Self.step(for: high - low)
    // The axis ends on ticks, so that no mark lies outside the grid.
    let (first, last) = ((low / step).rounded(.down), (high / step).rounded(.up))
    self.low = first * step
    self.high = last * step
    ticks = (0...Int(min(last - first, 20))).map { index in
      let value = (first + Double(index)) * step
      return (value, Self.text(value, step: step))
    }
  }

  static func canShow(_ value: Double, _ scale: Axis.Scale) -> Bool {
    // Beyond these the difference of two values would overflow, or a power of ten be lost.
    value.magnitude < 1e200 && (scale == .linear || value > 1e-200)
  }

  func canShow(_ value: Double) -> Bool { Self.canShow(value, scale) }

  /// 0 at the axis's low end, 1 at its high end.
  func place(_ value: Double) -> Double {
    let measure = scale == .linear ? value : Double.log10(value)
    return (measure - low) / (high - low)
  }

  /// 1, 2 or 5 times a power of ten, for about six intervals.
  private static func step(for span: Double) -> Double {
    let rough = span / 6
    let power = Double.exp10(Double.log10(rough).rounded(.down))
    let mantissa = rough / power
    return power * (mantissa < 1.5 ? 1 : mantissa < 3.5 ? 2 : mantissa < 7.5 ? 5 : 10)
  }

  private static func decades(_ low: Double, _ high: Double) -> [(value: Double, text: String)] {
    let factors: [Double] = high - low < 2.5 ? [1, 2, 5] : [1]
    let stride = max(1, Int(((high - low) / 8).rounded(.up)))
    var ticks: [(value: Double, text: String)] = []
    for power in Swift.stride(from: Int(low.rounded(.down)), through: Int(high.rounded(.up)), by: stride) {
      for factor in factors {
        let value = factor * Double.exp10(Double(power))
        let measure = Double.log10(value)
        // A crumb of rounding must not cost the tick at an end.
        if measure >= low - 1e-9 && measure <= high + 1e-9 { ticks.append((value, text(value, step: value))) }
      }
    }
    return ticks
  }

  /// A tick's number with the decimals its step needs.
  static func text(_ value: Double, step: Double) -> String {
    let magnitude = step > 0 && step.isFinite ? Int((Double.log10(step) + 1e-9).rounded(.down)) : 0
    if magnitude >= 6 || magnitude < -4 {
      guard value != 0 else { return "0" }
      let power = Int((Double.log10(value.magnitude) + 1e-9).rounded(.down))
      let mantissa = fixed(value / Double.exp10(Double(power)), 1)
      return minus("\(mantissa.hasSuffix(".0") ? String(mantissa.dropLast(2)) : mantissa)e\(power)")
    }
    return minus(fixed(value, max(0, -magnitude)))
  }

  private static func minus(_ text: String) -> String { text.replacing("-", with: "−") }
}

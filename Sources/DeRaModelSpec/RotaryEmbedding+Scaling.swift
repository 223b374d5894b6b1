import RealModule

/// How a model stretches its rotary frequencies to a context longer than it was first trained on.
package enum RotaryScaling: Sendable, Equatable {
  case none
  /// Every frequency divided by `factor` (position interpolation, arXiv 2306.15595).
  case linear(factor: Float)
  case llama3(Llama3Scaling)
  case yarn(YarnScaling)
}

/// Llama 3.1: wavelengths longer than `originalContext / lowFrequencyFactor` are divided by `factor`, those shorter than
/// `originalContext / highFrequencyFactor` are kept, those between are interpolated
/// (`apply_scaling` of github.com/meta-llama/llama-models).
package struct Llama3Scaling: Sendable, Equatable {
  package var factor: Float
  package var lowFrequencyFactor: Float
  package var highFrequencyFactor: Float
  package var originalContext: Int

  package init(factor: Float, lowFrequencyFactor: Float, highFrequencyFactor: Float, originalContext: Int) {
    self.factor = factor
    self.lowFrequencyFactor = lowFrequencyFactor
    self.highFrequencyFactor = highFrequencyFactor
    self.originalContext = originalContext
  }
}

/// YaRN (arXiv 2309.00071): dimensions that turn more than `betaFast` times over the original context are kept, those
/// that turn less than `betaSlow` times are divided by `factor`, with a linear ramp between; sine and cosine grow by an
/// attention factor.
package struct YarnScaling: Sendable, Equatable {
  package var factor: Double
  package var originalContext: Int
  package var betaFast = 32.0
  package var betaSlow = 1.0
  /// Used as it is; nil to derive it from `factor`, `magnitudeScale` and `magnitudeScaleAllDimensions`.
  package var attentionFactor: Double?
  /// Hugging Face's `mscale` and `mscale_all_dim`, used when both are given and not 0.
  package var magnitudeScale: Double?
  package var magnitudeScaleAllDimensions: Double?
  /// Rounds the ramp's ends outwards to whole dimensions.
  package var truncates = true

  package init(factor: Double, originalContext: Int) {
    self.factor = factor
    self.originalContext = originalContext
  }

  /// The factor of sine and cosine.
  package var magnitude: Double {
    if let attentionFactor { return attentionFactor }
    func scale(_ weight: Double) -> Double { factor <= 1 ? 1 : 0.1 * weight * Double.log(factor) + 1 }
    if let one = magnitudeScale, let all = magnitudeScaleAllDimensions, one != 0, all != 0 {
      return scale(one) / scale(all)
    }
    return scale(1)
  }
}

extension RotaryEmbedding {
  /// Works `scaling` into the frequencies of `headDim` (even) dimensions, in the f32 steps of transformers'
  /// `modeling_rope_utils.py`, so that long sequences turn by the same angles.
  package init(theta: Float, headDim: Int, scaling: RotaryScaling = .none) {
    let wavenumbers = stride(from: 0, to: headDim, by: 2).map { dimension in
      Float(Double.pow(Double(theta), Double(Float(dimension) / Float(headDim))))
    }
    let plain = wavenumbers.map { 1 / $0 }
    switch scaling {
    case .none:
      self.init(theta: theta, inverseFrequencies: plain)
    case .linear(let factor):
      self.init(theta: theta, inverseFrequencies: plain.map { $0 / factor })
    case .llama3(let scaling):
      self.init(theta: theta, inverseFrequencies: plain.map(scaling.apply))
    case .yarn(let scaling):
      self.init(
        theta: theta, inverseFrequencies: scaling.apply(wavenumbers, theta: theta), magnitude: Float(scaling.magnitude))
    }
  }
}

extension Llama3Scaling {
  fileprivate func apply(_ frequency: Float) -> Float {
    let context = Float(originalContext)
    let wavelength = Float(2 * Double.pi) / frequency
    if wavelength > context / lowFrequencyFactor { return frequency / factor }
    if wavelength < context / highFrequencyFactor { return frequency }
    let kept = (context / wavelength - lowFrequencyFactor) / (highFrequencyFactor - lowFrequencyFactor)
    return (1 - kept) * frequency / factor + kept * frequency
  }
}

extension YarnScaling {
  /// - Parameter wavenumbers: θ^(2i/headDim), `[headDim / 2]`.
  fileprivate func apply(_ wavenumbers: [Float], theta: Float) -> [Float] {
    let (low, high) = ramp(headDim: 2 * wavenumbers.count, theta: Double(theta))
    return wavenumbers.enumerated().map { index, wavenumber in
      let stretched = min(max((Float(index) - Float(low)) / Float(high - low), 0), 1)
      let kept = 1 - stretched
      return 1 / (Float(factor) * wavenumber) * (1 - kept) + 1 / wavenumber * kept
    }
  }

  /// The dimensions between which frequencies go from kept to stretched.
  private func ramp(headDim: Int, theta: Double) -> (low: Double, high: Double) {
    func dimension(turns: Double) -> Double {
      Double(headDim) * Double.log(Double(originalContext) / (turns * 2 * Double.pi)) / (2 * Double.log(theta))
    }
    var low = dimension(turns: betaFast)
    var high = dimension(turns: betaSlow)
    if truncates {
      low = low.rounded(.down)
      high = high.rounded(.up)
    }
    low = max(low, 0)
    high = min(high, Double(headDim - 1))
    return (low, low == high ? high + 0.001 : high)
  }
}

import RealModule

/// The softmax sums of a row of logits, in f64: eight interleaved sums added in a fixed order, and the package's own
/// exponential, so that the same logits give the same figures on every machine.
package struct LogitDistribution {
  /// ln Σ exp(logit); NaN when a logit is NaN or +∞.
  package let logSum: Double
  /// The likeliest token, the lowest id on a tie.
  package let top: Int

  /// - Parameter logits: `[vocabulary]`, not empty.
  package init(_ logits: UnsafeBufferPointer<Float>) {
    let largest = largestLogit(logits)
    var sums = SIMD8<Double>()
    forEachEight(logits) { sums += exponential(ofNonPositive: $0 - Double(largest)) }
    logSum = Double(largest) + Double.log(total(sums))
    top = logits.firstIndex(of: largest) ?? 0
  }

  /// ln Σ exp(value) of values that are finite.
  package static func logSum(_ values: some Collection<Double>) -> Double {
    let largest = values.max() ?? 0
    return largest + Double.log(values.reduce(0) { $0 + Double.exp($1 - largest) })
  }

  private init(logSum: Double, top: Int) {
    self.logSum = logSum
    self.top = top
  }

  /// The two distributions of a row and KL(softmax(p) ‖ softmax(q)) = Σ p·(ln p − ln q), nats.
  package static func compare(
    p: UnsafeBufferPointer<Float>, q: UnsafeBufferPointer<Float>
  ) -> (p: LogitDistribution, q: LogitDistribution, divergence: Double) {
    let (largestP, largestQ) = (largestLogit(p), largestLogit(q))
    var sumsP = SIMD8<Double>()
    var sumsQ = SIMD8<Double>()
    // Σ exp(p)·(p − q): the divergence is this mean and the difference of the two logarithms of sums.
    var gaps = SIMD8<Double>()
    forEachEight(p, q) { p, q in
      let weights = exponential(ofNonPositive: p - Double(largestP))
      sumsP += weights
      sumsQ += exponential(ofNonPositive: q - Double(largestQ))
      // What has no probability adds nothing, even where both logits are −∞.
      gaps += (weights * (p - q)).replacing(with: 0, where: weights .== 0)
    }
    let (totalP, totalQ) = (total(sumsP), total(sumsQ))
    let left = LogitDistribution(logSum: Double(largestP) + Double.log(totalP), top: p.firstIndex(of: largestP) ?? 0)
    let right = LogitDistribution(logSum: Double(largestQ) + Double.log(totalQ), top: q.firstIndex(of: largestQ) ?? 0)
    return (left, right, total(gaps) / totalP - left.logSum + right.logSum)
  }
}

extension LogitDistribution {
  /// Entropy of softmax(logits), nats: ln Σ exp(logit) − Σ p · logit.
  package static func entropy(of logits: UnsafeBufferPointer<Float>) -> Double {
    let largest = Double(largestLogit(logits))
    var sums = SIMD8<Double>()
    var gaps = SIMD8<Double>()
    forEachEight(logits) { block in
      let weights = exponential(ofNonPositive: block - largest)
      sums += weights
      // What has no probability adds nothing.
      gaps += (weights * (block - largest)).replacing(with: 0, where: weights .== 0)
    }
    return Double.log(total(sums)) - total(gaps) / total(sums)
  }
}

/// NaN does not count; −∞ when nothing does.
private func largestLogit(_ logits: UnsafeBufferPointer<Float>) -> Float {
  var lanes = SIMD8<Float>(repeating: -.infinity)
  let raw = UnsafeRawBufferPointer(logits)
  let whole = logits.count / 8 * 8
  for start in stride(from: 0, to: whole, by: 8) {
    let block = raw.loadUnaligned(fromByteOffset: start * 4, as: SIMD8<Float>.self)
    lanes.replace(with: block, where: block .> lanes)
  }
  return logits[whole...].reduce(lanes.max()) { $1 > $0 ? $1 : $0 }
}

/// The logits eight at a time, the last ones filled up with −∞.
private func forEachEight(_ logits: UnsafeBufferPointer<Float>, _ body: (SIMD8<Double>) -> Void) {
  let raw = UnsafeRawBufferPointer(logits)
  let whole = logits.count / 8 * 8
  for start in stride(from: 0, to: whole, by: 8) {
    body(SIMD8<Double>(raw.loadUnaligned(fromByteOffset: start * 4, as: SIMD8<Float>.self)))
  }
  if whole < logits.count { body(rest(logits, from: whole)) }
}

private func forEachEight(
  _ left: UnsafeBufferPointer<Float>, _ right: UnsafeBufferPointer<Float>,
  _ body: (SIMD8<Double>, SIMD8<Double>) -> Void
) {
  precondition(left.count == right.count, "rows of different vocabularies")
  let (rawLeft, rawRight) = (UnsafeRawBufferPointer(left), UnsafeRawBufferPointer(right))
  let whole = left.count / 8 * 8
  for start in stride(from: 0, to: whole, by: 8) {
    body(
      SIMD8<Double>(rawLeft.loadUnaligned(fromByteOffset: start * 4, as: SIMD8<Float>.self)),
      SIMD8<Double>(rawRight.loadUnaligned(fromByteOffset: start * 4, as: SIMD8<Float>.self)))
  }
  if whole < left.count { body(rest(left, from: whole), rest(right, from: whole)) }
}

private func rest(_ logits: UnsafeBufferPointer<Float>, from start: Int) -> SIMD8<Double> {
  var block = SIMD8<Double>(repeating: -.infinity)
  for index in start..<logits.count { block[index - start] = Double(logits[index]) }
  return block
}

private func total(_ sums: SIMD8<Double>) -> Double {
  var total = 0.0
  for lane in 0..<8 { total += sums[lane] }
  return total
}

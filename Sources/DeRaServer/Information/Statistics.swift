import DeRa
import Synchronization

/// Figures that `/metrics` shows besides the engine's own.
final class Statistics: Sendable {
  /// A histogram of Prometheus: observations up to each bound.
  struct Histogram: Sendable {
    let bounds: [Double]
    private(set) var counts: [Int]
    private(set) var sum = 0.0
    private(set) var count = 0

    init(_ bounds: [Double]) {
      self.bounds = bounds
      counts = Array(repeating: 0, count: bounds.count)
    }

    mutating func add(_ value: Double) {
      for (index, bound) in bounds.enumerated() where value <= bound { counts[index] += 1 }
      sum += value
      count += 1
    }
  }

  struct State: Sendable {
    var lambda = Histogram([-1, -0.5, 0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3])
    var timeToFirstToken = Histogram([0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120])
  }

  private let state = Mutex(State())

  func add(_ generation: Generation, _ trace: [(token: Int, realignment: Realignment)]) {
    state.withLock {
      $0.timeToFirstToken.add(generation.timeToFirstToken)
      // Of several models, the sum: how far the answer is from the reference.
      if let last = trace.last, !last.realignment.lambdas.isEmpty {
        $0.lambda.add(Double(last.realignment.lambdas.reduce(0, +)))
      }
    }
  }

  var current: State { state.withLock { $0 } }
}

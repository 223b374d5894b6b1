/// A matrix, and what it may be stored as.
package struct AllocationItem: Sendable {
  package struct Base: Sendable {
    package var bytes: Int
    package var distortion: Double

    package init(bytes: Int, distortion: Double) {
      self.bytes = bytes
      self.distortion = distortion
    }
  }

  package struct Change: Sendable {
    /// nil: the model's own matrix, of as many bytes as the base.
    package var bytes: Int?
    package var distortion: Double

    package init(bytes: Int?, distortion: Double) {
      self.bytes = bytes
      self.distortion = distortion
    }
  }

  /// Choices for the reference's matrix, at least one.
  package var base: [Base]
  /// For each aligned model, at least one.
  package var changes: [[Change]]
  /// The weight of the base's distortion in a model with its own matrix (both matrices' together); 1 in one that shares
  /// it.
  package var ownWeight: Double

  package init(base: [Base], changes: [[Change]], ownWeight: Double) {
    self.base = base
    self.changes = changes
    self.ownWeight = ownWeight
  }

  package struct Pick: Sendable, Equatable {
    package var base: Int
    package var changes: [Int]

    package init(base: Int, changes: [Int]) {
      self.base = base
      self.changes = changes
    }
  }

  package struct Cost: Sendable, Equatable {
    package var bytes: Int
    package var distortion: Double

    package init(bytes: Int = 0, distortion: Double = 0) {
      self.bytes = bytes
      self.distortion = distortion
    }

    package static func += (left: inout Cost, right: Cost) {
      left.bytes += right.bytes
      left.distortion += right.distortion
    }
  }

  package func cost(_ pick: Pick) -> Cost {
    var sum = Cost(bytes: base[pick.base].bytes, distortion: changes.isEmpty ? base[pick.base].distortion : 0)
    for (model, change) in pick.changes.enumerated() { sum += cost(change, ofModel: model, base: pick.base) }
    return sum
  }

  /// The cost that one model adds, its part of the base's distortion included. A change that takes more than the matrix
  /// itself becomes that matrix.
  func cost(_ change: Int, ofModel model: Int, base index: Int) -> Cost {
    let (change, base) = (changes[model][change], base[index])
    let part = base.distortion / Double(changes.count)
    guard let bytes = change.bytes, bytes <= base.bytes else {
      return Cost(bytes: base.bytes, distortion: change.distortion + part * ownWeight)
    }
    return Cost(bytes: bytes, distortion: change.distortion + part)
  }
}

/// Chooses what each of many matrices is stored as, so that the sum of their distortions is small for the sum of their bytes.
///
/// At a price of bytes in distortion every matrix is decided alone, and each model's change alone once its base is; the
/// prices give the points of the lower convex hull (Shoham and Gersho, "Efficient bit allocation for an arbitrary set of
/// quantizers", 1988). Between two of them single choices are changed as long as the limit lets them, best ratio first.
package struct Allocation: Sendable, Equatable {
  /// For each item.
  package private(set) var picks: [AllocationItem.Pick]
  package private(set) var cost: AllocationItem.Cost
  /// Distortion for a byte at which the choices before the last single ones are best; infinite for the least bytes.
  let price: Double

  /// The fewest bytes there are.
  package static func least(_ items: [AllocationItem]) -> Allocation { Allocation(items, price: .infinity) }

  /// The least distortion found in at most so many bytes; nil where nothing is so small.
  package static func within(bytes: Int, _ items: [AllocationItem]) -> Allocation? {
    let found = search(items) { $0.cost.bytes <= bytes }
    guard var found = found.cheapest else { return nil }
    found.improve(items) { change, sum in
      guard change.distortion < 0, sum.bytes + change.bytes <= bytes else { return nil }
      return change.bytes <= 0 ? .infinity : -change.distortion / Double(change.bytes)
    }
    return found
  }

  /// The fewest bytes found with at most so much distortion; nil where none is so small.
  package static func within(distortion: Double, _ items: [AllocationItem]) -> Allocation? {
    let found = search(items) { $0.cost.distortion > distortion }
    guard var found = found.other else { return nil }
    found.improve(items) { change, sum in
      guard change.bytes < 0, sum.distortion + change.distortion <= distortion else { return nil }
      return change.distortion <= 0 ? .infinity : -Double(change.bytes) / change.distortion
    }
    return found
  }

  private static let rounds = 80
  /// Prices lie between these, for the largest and the smallest models.
  private static let prices = 0x1p-120...0x1p40

  /// The two neighbours, by price, on either side of a property that holds from some price on.
  /// - Returns: the one with the property at the lower price, and the one without at the higher; nil where there is none.
  private static func search(
    _ items: [AllocationItem], _ isCheap: (Allocation) -> Bool
  ) -> (cheapest: Allocation?, other: Allocation?) {
    let best = Allocation(items, price: 0)
    if isCheap(best) { return (best, nil) }
    var other = best
    var cheapest = Allocation.least(items)
    guard isCheap(cheapest) else { return (nil, cheapest) }
    var (low, high) = (prices.lowerBound, prices.upperBound)
    for _ in 0..<rounds {
      let middle = (low * high).squareRoot()
      let candidate = Allocation(items, price: middle)
      if isCheap(candidate) { (cheapest, high) = (candidate, middle) } else { (other, low) = (candidate, middle) }
    }
    return (cheapest, other)
  }

  private init(_ items: [AllocationItem], price: Double) {
    self.price = price
    picks = items.map { Self.best($0, price: price) }
    cost = AllocationItem.Cost()
    for (item, pick) in zip(items, picks) { cost += item.cost(pick) }
  }

  /// The choice of least distortion + price · bytes, the earlier one of equals; an infinite price asks for bytes first.
  private static func best(_ item: AllocationItem, price: Double) -> AllocationItem.Pick {
    func score(_ cost: AllocationItem.Cost) -> (Double, Double) {
      price.isFinite
        ? (cost.distortion + price * Double(cost.bytes), Double(cost.bytes)) : (Double(cost.bytes), cost.distortion)
    }
    var best: (pick: AllocationItem.Pick, score: (Double, Double))?
    for base in item.base.indices {
      let changes = item.changes.indices.map { model in
        item.changes[model].indices.min {
          score(item.cost($0, ofModel: model, base: base)) < score(item.cost($1, ofModel: model, base: base))
        } ?? 0
      }
      let pick = AllocationItem.Pick(base: base, changes: changes)
      let score = score(item.cost(pick))
      if let known = best?.score, score >= known { continue }
      best = (pick, score)
    }
    return best?.pick ?? AllocationItem.Pick(base: 0, changes: item.changes.map { _ in 0 })
  }

  /// Changes single choices, the one of greatest merit first, until none has any.
  /// - Parameter merit: the worth of a change of the cost, given the cost before it; nil for one that must not be made.
  private mutating func improve(
    _ items: [AllocationItem], merit: (AllocationItem.Cost, AllocationItem.Cost) -> Double?
  ) {
    while true {
      var best: (item: Int, pick: AllocationItem.Pick, change: AllocationItem.Cost, merit: Double)?
      for (index, item) in items.enumerated() {
        let before = item.cost(picks[index])
        for pick in Self.neighbours(of: picks[index], item) {
          let after = item.cost(pick)
          let change = AllocationItem.Cost(
            bytes: after.bytes - before.bytes, distortion: after.distortion - before.distortion)
          guard let merit = merit(change, cost), merit > best?.merit ?? 0 else { continue }
          best = (index, pick, change, merit)
        }
      }
      guard let best else { return }
      picks[best.item] = best.pick
      cost += best.change
    }
  }

  /// All picks that differ in one choice.
  private static func neighbours(of pick: AllocationItem.Pick, _ item: AllocationItem) -> [AllocationItem.Pick] {
    var list = item.base.indices.filter { $0 != pick.base }.map {
      AllocationItem.Pick(base: $0, changes: pick.changes)
    }
    for model in item.changes.indices {
      for change in item.changes[model].indices where change != pick.changes[model] {
        var other = pick
        other.changes[model] = change
        list.append(other)
      }
    }
    return list
  }
}

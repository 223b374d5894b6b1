import DeRaConversion
import DeRaTestSupport
import Testing

/// The planner against all there is, on problems small enough for that.
@Suite("Allocation")
struct AllocationTests {
  /// Four matrices of three codecs and two models with three changes each: 27⁴ ways.
  private func problem(seed: UInt64) -> [AllocationItem] {
    var generator = SeededGenerator(seed: seed)
    return (0..<4).map { _ in
      let size = Int.random(in: 100...1000, using: &generator)
      let base = [2, 4, 8].map { bits in
        AllocationItem.Base(
          bytes: size * bits, distortion: Double.random(in: 0.5...2, using: &generator) / Double(1 << bits))
      }
      let changes = (0..<2).map { _ in
        let whole = Double.random(in: 0...0.5, using: &generator)
        return [
          AllocationItem.Change(bytes: 0, distortion: whole),
          AllocationItem.Change(bytes: size, distortion: whole * Double.random(in: 0.01...0.5, using: &generator)),
          AllocationItem.Change(bytes: nil, distortion: 0),
        ]
      }
      return AllocationItem(base: base, changes: changes, ownWeight: 2.5)
    }
  }

  private func picks(of item: AllocationItem) -> [AllocationItem.Pick] {
    item.base.indices.flatMap { base in
      item.changes[0].indices.flatMap { one in
        item.changes[1].indices.map { AllocationItem.Pick(base: base, changes: [one, $0]) }
      }
    }
  }

  /// Every way there is, as bytes and distortion.
  private func costs(_ items: [AllocationItem]) -> [AllocationItem.Cost] {
    items.reduce([AllocationItem.Cost()]) { sums, item in
      let parts = picks(of: item).map(item.cost)
      return sums.flatMap { sum in
        parts.map { part in
          var both = sum
          both += part
          return both
        }
      }
    }
  }

  @Test("within any number of bytes, close to the best there is", arguments: UInt64(1)...6)
  func bytes(seed: UInt64) throws {
    let items = problem(seed: seed)
    let all = costs(items)
    let (least, most) = (all.map(\.bytes).min() ?? 0, all.map(\.bytes).max() ?? 0)
    let smallest: Allocation = .least(items)
    #expect(smallest.cost.bytes == least)
    let smaller: Allocation? = .within(bytes: least - 1, items)
    #expect(smaller == nil)
    let same: Allocation? = .within(bytes: least, items)
    #expect(same?.picks == smallest.picks)
    for limit in stride(from: least, through: most, by: max(1, (most - least) / 20)) {
      let found = try #require(Allocation.within(bytes: limit, items))
      let best = all.filter { $0.bytes <= limit }.map(\.distortion).min() ?? 0
      let span = (all.map(\.distortion).max() ?? 0) - best
      #expect(found.cost.bytes <= limit)
      let loss = found.cost.distortion - best
      #expect(loss >= -1e-12)
      #expect(loss <= 0.05 * span, "\(limit)")
      check(found, items)
    }
  }

  @Test("on the convex hull, exactly the best there is", arguments: UInt64(1)...6)
  func hull(seed: UInt64) throws {
    let items = problem(seed: seed)
    let all = costs(items)
    var points = 0
    for exponent in -16..<(-4) {
      let price = Double(sign: .plus, exponent: exponent, significand: 1)
      func score(_ cost: AllocationItem.Cost) -> Double { cost.distortion + price * Double(cost.bytes) }
      let best = try #require(all.min { score($0) < score($1) })
      let byBytes = try #require(Allocation.within(bytes: best.bytes, items))
      #expect((byBytes.cost.distortion - best.distortion).magnitude < 1e-12)
      let byDistortion = try #require(Allocation.within(distortion: best.distortion + 1e-12, items))
      #expect(byDistortion.cost.bytes == best.bytes)
      points += 1
    }
    #expect(points == 12)
  }

  @Test("the fewest bytes for a distortion, close to the fewest there are", arguments: UInt64(1)...6)
  func distortion(seed: UInt64) throws {
    let items = problem(seed: seed)
    let all = costs(items)
    let finest = all.map(\.distortion).min() ?? 0
    let impossible: Allocation? = .within(distortion: finest * 0.999, items)
    #expect(impossible == nil)
    for factor in [1.0001, 1.5, 2, 4, 8, 16, 1000] {
      let found = try #require(Allocation.within(distortion: finest * factor, items))
      let best = all.filter { $0.distortion <= finest * factor }.map(\.bytes).min() ?? 0
      #expect(found.cost.distortion <= finest * factor)
      #expect(found.cost.bytes >= best)
      #expect(found.cost.bytes <= best * 23 / 20, "\(factor)")
      check(found, items)
    }
  }

  @Test("a change larger than the matrix becomes that matrix")
  func largeChange() {
    let item = AllocationItem(
      base: [AllocationItem.Base(bytes: 10, distortion: 1)],
      changes: [[AllocationItem.Change(bytes: 11, distortion: 0.25)]], ownWeight: 3)
    let cost = item.cost(AllocationItem.Pick(base: 0, changes: [0]))
    let expected = AllocationItem.Cost(bytes: 20, distortion: 3.25)
    #expect(cost == expected)
  }

  /// The cost is that of the picks.
  private func check(_ found: Allocation, _ items: [AllocationItem]) {
    var sum = AllocationItem.Cost()
    for (item, pick) in zip(items, found.picks) { sum += item.cost(pick) }
    #expect(sum.bytes == found.cost.bytes)
    #expect((sum.distortion - found.cost.distortion).magnitude < 1e-9)
  }

  @Test(
    "ranges of λ",
    arguments: [
      ("-1:3", "-1:3"), ("0.5:0.5", "0.5:0.5"), ("0:2", "0:2"), ("", nil), ("1", nil), ("2:1", nil), ("a:b", nil),
      ("0:1:2", nil), ("nan:1", nil), ("0:inf", nil), ("0:1001", nil),
    ] as [(String, String?)])
  func ranges(text: String, expected: String?) { #expect(LambdaRange(text)?.description == expected) }

  @Test(
    "rules that there are not",
    arguments: ["", "=", "=int4", "blk.*", "blk.*=int3", "blk.*=int2", "m:x=int3", ":x=own"])
  func rules(text: String) { #expect(TensorRule(text) == nil) }
}

import DeRaTransformer
import Testing

/// Which layers are kept in memory.
@Suite struct WeightStreamingTests {
  /// Ten layers of 10 bytes and an output matrix of 25.
  private let sizes = [Int](repeating: 10, count: 10) + [25]

  @Test(
    "as few as possible are streamed, and they are spread",
    arguments: [(1000, 0), (125, 0), (124, 3), (115, 3), (100, 5), (45, 10), (44, 11), (35, 11)])
  func plans(limit: Int, count: Int) throws {
    let kept = try #require(WeightStreaming.kept(sizes, limit: limit))
    let streamed = kept.indices.filter { !kept[$0] }
    #expect(kept.count == sizes.count && streamed.count == count)
    if count <= 5 { for (one, next) in zip(streamed, streamed.dropFirst()) { #expect(next - one > 1) } }
    if count <= 10 { #expect(kept[10], "the output matrix is used for every token") }
  }

  @Test("room for the two largest is the least") func leastRoom() {
    #expect(WeightStreaming.kept(sizes, limit: 34) == nil)
    #expect(WeightStreaming.kept([10, 10, 30], limit: 40) == [false, false, false])
    #expect(WeightStreaming.kept([10, 10, 30], limit: 39) == nil)
    #expect(WeightStreaming.kept([10, 10], limit: -1) == nil)
  }
}

import DeRa
import DeRaBundle
import DeRaKernels
import DeRaTestSupport
import Testing

/// The bundle that this repository ships, whose memory is known.
@Suite struct MemoryTests {
  private static let path = Fixtures.storyteller
  private let tokens: [Int32] = [1, 20, 300, 41, 7, 99]

  private func logits(_ session: DecodingSession, _ lambdas: [Float]) throws -> [[Float]] {
    try lambdas.map { lambda in
      session.truncate(to: 0)
      return try tokens.map { token in
        try session.append([token])
        return Array(try session.logits(Realignment(lambda, models: session.bundle.manifest.models.count - 1)))
      }.reduce([], +)
    }
  }

  @Test("streamed layers give the same logits", arguments: Blend.allCases) func streaming(blend: Blend) throws {
    let bundle = try ModelBundle(path: Self.path)
    func session() throws -> DecodingSession {
      try DecodingSession(
        bundle: bundle, contextLength: 16, engine: Engine(InstructionSet.best, threads: 2), blend: blend)
    }
    let expected = try logits(session(), [0, 0.5, 2])
    let streamed = try session()
    let limit = bundle.mappedBytes / 2
    try streamed.limitResidentWeights(to: limit)
    #expect(streamed.memory.residentBytes == limit)
    #expect(try logits(streamed, [0, 0.5, 2]) == expected)
    #expect(throws: SessionError.self) { try streamed.limitResidentWeights(to: 1000) }
    try streamed.limitResidentWeights(to: bundle.mappedBytes)
    #expect(streamed.memory.residentBytes == bundle.mappedBytes)
  }

  @Test("a limit asks for the layers of the models that λ needs", arguments: Blend.allCases)
  func streamingSomeModels(blend: Blend) throws {
    let bundle = try ModelBundle(path: Self.path)
    func session() throws -> DecodingSession {
      try DecodingSession(bundle: bundle, contextLength: 16, engine: Engine(InstructionSet.best), blend: blend)
    }
    func point(_ lambda: Float) -> Realignment { Realignment(lambda, models: bundle.manifest.models.count - 1) }
    /// The least limit that is accepted.
    func least(_ list: [Realignment]?) throws -> Int {
      let session = try session()
      return (1...bundle.mappedBytes / 1000).partition { count in
        (try? session.limitResidentWeights(to: count * 1000, for: list)) != nil
      } * 1000
    }
    let one = try least([point(0)])
    let all = try least(nil)
    let each = try least([point(0), Realignment(lambdas: bundle.alignedModels.map { _ in 0.3 })])
    #expect(one < all && all == each)
    let streamed = try session()
    try streamed.limitResidentWeights(to: one, for: [point(0)])
    #expect(try logits(streamed, [0]) == logits(session(), [0]))
    // A later λ needs more than there is room for, which is said; afterwards the first goes on.
    #expect(throws: SessionError.self) { try logits(streamed, [0.5]) }
    #expect(try logits(streamed, [0]) == logits(session(), [0]))
    try streamed.limitResidentWeights(to: all, for: [point(0)])
    #expect(try logits(streamed, [0, 0.5, 1, 0]) == logits(session(), [0, 0.5, 1, 0]))
  }

  @Test("regions cover the file, and what was read is in memory") func regions() throws {
    let bundle = try ModelBundle(path: Self.path)
    let regions = bundle.residentRegions()
    #expect(regions.map(\.region.name) == ["shared"] + bundle.manifest.models + ["tokenizer", "metadata"])
    #expect(regions.reduce(0) { $0 + $1.region.bytes } == bundle.mappedBytes)
    let session = try DecodingSession(bundle: bundle, contextLength: 16, engine: Engine(InstructionSet.best))
    _ = try logits(session, [0.5])
    for (region, resident) in bundle.residentRegions().prefix(3) {
      // nil where the system does not tell.
      if let resident { #expect(resident <= region.bytes && resident > region.bytes / 2, "\(region.name)") }
    }
  }
}

extension ClosedRange<Int> {
  /// The first number that a predicate holds for, which holds for all after it.
  fileprivate func partition(_ holds: (Int) -> Bool) -> Int {
    var (low, high) = (lowerBound, upperBound)
    while low < high {
      let middle = (low + high) / 2
      if holds(middle) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

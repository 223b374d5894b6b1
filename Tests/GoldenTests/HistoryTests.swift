import DeRa
import DeRaCheckpoints
import DeRaConversion
import DeRaKernels
import DeRaTensorCore
import DeRaTestSupport
import Testing

/// Tokens and λ determine the logits to the bit, whatever was asked for before and beside it.
@Suite struct HistoryTests {
  /// A family, its aligned models and how they are stored.
  struct Form: Sendable, CustomStringConvertible {
    var name: String
    var aligned = ["-aligned"]
    var bits = ConversionBits.eight
    var delta = DeltaStorage.own
    var cache = CacheCodec.f16
    var blend = Blend.logits

    var description: String { "\(name)\(aligned) \(bits) \(delta) \(cache) \(blend)" }
  }

  private static let forms = [
    Form(name: "llama3"), Form(name: "gemma3"), Form(name: "llama3", bits: .sixteen),
    Form(name: "llama3", bits: .four, delta: .packed(.int2)), Form(name: "gemma3", delta: .lowRank(2)),
    Form(name: "gemma3", bits: .four, cache: .int8), Form(name: "llama3", aligned: ["-aligned", ""]),
    Form(name: "gemma3", aligned: ["", "-aligned"], delta: .packed(.int1)), Form(name: "llama3", blend: .weights),
  ]

  private static let lambdas: [[Float]] = [
    [0, 0], [1, 0], [0.5, 0], [2, 0], [0, 1], [0.25, 0.5], [0.5, 0.5], [-1, 2], [1, 0], [0, 0],
  ]

  private func bundle(_ form: Form) async throws -> ModelBundle {
    func checkpoint(_ name: String, _ label: String) throws -> NamedCheckpoint {
      NamedCheckpoint(name: label, checkpoint: try Checkpoint.open(path: Golden.folder + name))
    }
    let directory = try TemporaryDirectory()
    let path = directory.file("models.dera")
    let converter = try Converter(
      reference: checkpoint(form.name, "reference"),
      aligned: form.aligned.enumerated().map { try checkpoint(form.name + $1, "aligned-\($0)") },
      options: ConversionOptions(bits: form.bits, delta: form.delta))
    _ = try await converter.convert(to: path) { _ in }
    return try ModelBundle(path: path)
  }

  private func point(_ index: Int, _ form: Form) -> Realignment {
    Realignment(lambdas: Array(Self.lambdas[index % Self.lambdas.count].prefix(form.aligned.count)))
  }

  /// The results of sessions that have done nothing else.
  private final class Fresh {
    let session: () throws -> DecodingSession
    private var known: [Key: [Float]] = [:]

    private struct Key: Hashable {
      var tokens: [Int32]
      var realignment: Realignment
    }

    init(_ session: @escaping () throws -> DecodingSession) { self.session = session }

    func logits(_ tokens: [Int32], _ realignment: Realignment) throws -> [Float] {
      let key = Key(tokens: tokens, realignment: realignment)
      if let known = known[key] { return known }
      let session = try session()
      try session.append(tokens)
      let logits = Array(try session.logits(realignment))
      known[key] = logits
      return logits
    }
  }

  /// Takes some tokens back and adds others of `text`, so that prefixes are met again.
  private func edit(_ session: DecodingSession, _ text: [Int32], using generator: inout SeededGenerator) throws {
    if session.tokens.count > 2, generator.next(3) == 0 {
      session.truncate(to: generator.next(session.tokens.count))
    }
    let room = text.count - session.tokens.count
    let count = min(room, session.tokens.isEmpty ? 3 : generator.next(4))
    let start = session.tokens.count
    // Now and then another text of the same length.
    let shift = generator.next(4) == 0 ? 1 : 0
    try session.append((0..<count).map { text[(start + $0 + shift) % text.count] })
  }

  @Test("a session gives what a fresh one gives", arguments: forms)
  func sessions(form: Form) async throws {
    let text = try Golden(form.name).tokens
    let bundle = try await bundle(form)
    let engine = try Engine(InstructionSet.best)
    func session() throws -> DecodingSession {
      try DecodingSession(
        bundle: bundle, contextLength: text.count, engine: engine, cacheCodec: form.cache, blend: form.blend)
    }
    let fresh = Fresh(session)
    for seed in 1...4 {
      var generator = SeededGenerator(seed: UInt64(seed))
      let session = try session()
      for _ in 0..<24 {
        try edit(session, text, using: &generator)
        let realignment = point(generator.next(Self.lambdas.count), form)
        if session.tokens.isEmpty { continue }
        let found = Array(try session.logits(realignment))
        #expect(found == (try fresh.logits(session.tokens, realignment)), "seed \(seed), λ = \(realignment.lambdas)")
      }
    }
  }

  @Test("so do sessions that step together, in stretches and from prefixes of each other", arguments: forms)
  func batches(form: Form) async throws {
    let text = try Golden(form.name).tokens
    let bundle = try await bundle(form)
    let engine = try Engine(InstructionSet.best)
    let batch = try DecodingBatch(
      bundle: bundle, count: 3, contextLength: text.count, engine: engine, cacheCodec: form.cache, blend: form.blend)
    let fresh = Fresh {
      try DecodingSession(
        bundle: bundle, contextLength: text.count, engine: engine, cacheCodec: form.cache, blend: form.blend)
    }
    var generator = SeededGenerator(seed: 7)
    var (taken, left) = (0, 0)
    for _ in 0..<40 {
      var points: [Realignment?] = []
      batch.longestStretch = generator.next(2) == 0 ? 2 : nil
      for session in batch.sessions {
        let (other, realignment) = (batch.sessions[generator.next(3)], point(generator.next(Self.lambdas.count), form))
        let shared = other === session ? 0 : other.reusable(of: other.tokens, realignment)
        if shared > 0, generator.next(2) == 0 {
          try session.takePrefix(shared, of: other, realignment)
          taken += shared
        }
        try edit(session, text, using: &generator)
        let isLeftOut = session.tokens.isEmpty || generator.next(4) == 0
        points.append(isLeftOut ? nil : point(generator.next(Self.lambdas.count), form))
      }
      if points.allSatisfy({ $0 == nil }) { continue }
      var found: [Int: [Float]] = [:]
      try batch.logits(points) { found[$0] = Array($1) }
      left += points.count { $0 != nil } - found.count
      for (index, logits) in found {
        let realignment = try #require(points[index])
        #expect(logits == (try fresh.logits(batch.sessions[index].tokens, realignment)), "λ = \(realignment.lambdas)")
      }
    }
    #expect(taken > 0 && left > 0, "the test met neither a prefix nor a text left for later")
  }

  @Test("a computation that was cancelled leaves nothing of another λ behind")
  func cancelled() async throws {
    let form = Form(name: "gemma3")
    let text = Array(repeating: try Golden(form.name).tokens, count: 20).flatMap(\.self)
    let bundle = try await bundle(form)
    let engine = try Engine(InstructionSet.best)
    let session = try DecodingSession(bundle: bundle, contextLength: text.count, engine: engine)
    try session.append(text)
    for lambdas in Self.lambdas {
      let realignment = Realignment(lambdas: [lambdas[0]])
      session.shouldContinue = { false }
      _ = try? session.logits(realignment)
      session.shouldContinue = nil
      let other = Realignment(lambdas: [1 - lambdas[0]])
      let fresh = try DecodingSession(bundle: bundle, contextLength: text.count, engine: engine)
      try fresh.append(text)
      #expect(Array(try session.logits(other)) == Array(try fresh.logits(other)), "λ = \(other.lambdas)")
    }
  }

  /// `[lambdas][positions][vocabulary]`
  private func logits(of forcing: TeacherForcing, lambdas: Int) -> [[[Float]]] {
    var found = [[[Float]]](repeating: [], count: lambdas)
    var scratch = [Float](repeating: 0, count: forcing.vocabularySize)
    while case let positions = forcing.next(), !positions.isEmpty {
      for position in positions {
        for index in 0..<lambdas {
          found[index].append(
            scratch.withUnsafeMutableBufferPointer { Array(forcing.logits(index, at: position, scratch: $0)) })
        }
      }
    }
    return found
  }

  @Test(
    "a known text gives each λ what decoding gives it, whatever the other λ",
    arguments: forms.filter { $0.blend == .logits })
  func teacherForcing(form: Form) async throws {
    let text = try Golden(form.name).tokens
    let bundle = try await bundle(form)
    let engine = try Engine(InstructionSet.best)
    let all = Self.lambdas.indices.map { point($0, form) }
    for (list, directions) in [(all, false), (all, true), ([point(1, form)], true), ([point(6, form)], false)] {
      let session = try DecodingSession(
        bundle: bundle, contextLength: text.count, engine: engine, maxOutputs: 4, cacheCodec: form.cache)
      // Something else ran before.
      try session.append(text[..<5])
      _ = try session.logits(point(3, form))
      let forcing = try TeacherForcing(session: session, realignments: list, withDirections: directions)
      try forcing.start(text)
      let found = logits(of: forcing, lambdas: list.count)
      for (index, realignment) in list.enumerated() {
        let decoding = try DecodingSession(
          bundle: bundle, contextLength: text.count, engine: engine, cacheCodec: form.cache)
        let expected = try text.map { token in
          try decoding.append([token])
          return Array(try decoding.logits(realignment))
        }
        let isSole = realignment.weights.count { $0 != 0 } == 1
        if isSole { #expect(found[index] == expected, "λ = \(realignment.lambdas)") }
        // Blends are added after the output matrix here, before it there; its input is coded in 16 bits.
        #expect(meanKL(expected, found[index]) < 1e-4, "λ = \(realignment.lambdas)")
      }
      // What forcing has cached is not taken for what it is not.
      let fresh = try DecodingSession(bundle: bundle, contextLength: text.count, engine: engine, cacheCodec: form.cache)
      try fresh.append(text)
      for index in [1, 2, 1] {
        #expect(Array(try session.logits(point(index, form))) == Array(try fresh.logits(point(index, form))))
      }
    }
  }
}

extension SeededGenerator {
  /// A number below `limit`.
  fileprivate mutating func next(_ limit: Int) -> Int { Int(next() % UInt64(limit)) }
}

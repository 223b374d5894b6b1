import DeRa
import DeRaBundle
import DeRaCalibration
import DeRaCheckpoints
import DeRaConversion
import DeRaKernels
import DeRaQuantization
import DeRaTestSupport
import DeRaTokenization
import Testing

@Suite("Statistics of a model's inputs")
struct CollectorTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  @Test("Gram matrices are those of the inputs that transformers gives its matrices", arguments: ["llama3", "gemma3"])
  func grams(name: String) async throws {
    let golden = try GoldenInputs(name)
    let bundle = try await golden.bundle()
    // The same tokens twice, and a sequence without any.
    let collector = try StatisticsCollector(
      bundle: bundle, sequences: [golden.tokens, golden.tokens, []], engine: try engine(threads: 2),
      scratchPath: directory.file("scratch"))
    var checked = 0
    try collector.forEachGram { complete in
      for (names, gram) in complete {
        guard let first = names.first else { continue }
        let inputs = try golden.inputs(of: first)
        guard let inputs else { continue }
        checked += 1
        #expect(gram.columns == inputs[0].count && gram.tokens == 2 * golden.tokens.count)
        for left in 0..<gram.columns {
          for right in left..<gram.columns {
            let expected = inputs.reduce(0.0) { $0 + 2 * Double($1[left]) * Double($1[right]) }
            let scale = inputs.reduce(0.0) { $0 + Double($1[left] * $1[left] + $1[right] * $1[right]) }
            // Weights and keys of 16 bits, and sums in f32.
            #expect(
              (Double(gram.product(left, right)) - expected).magnitude <= 6e-3 * scale, "\(first) \(left) \(right)")
          }
        }
      }
    }
    #expect(checked == 9)
  }

  @Test("statistics and the bundle made with them do not depend on the number of threads")
  func threads() async throws {
    let golden = try GoldenInputs("llama3")
    let bundle = try await golden.bundle()
    let files = try await [1, 3].asyncMap { threads in
      let file = "\(threads).dera"
      let statistics = try StatisticsCollector(
        bundle: bundle, sequences: [golden.tokens], engine: try engine(threads: threads),
        scratchPath: directory.file("scratch")
      ).collect(text: Array("text".utf8))
      #expect(statistics.tokens == golden.tokens.count)
      try await golden.convert(ConversionOptions(bits: .four, width: threads), statistics, to: directory.file(file))
      return file
    }
    let contents = try files.map { try directory.bytes($0) }
    #expect(contents[0] == contents[1])
    try await golden.convert(ConversionOptions(bits: .four), nil, to: directory.file("plain.dera"))
    #expect(try directory.bytes("plain.dera") != contents[0])
  }

  @Test("every matrix has feedback; an embedding table has that of the output matrix where it is one")
  func matrices() async throws {
    for (name, isTied) in [("llama3", true), ("llama2", false)] {
      let golden = try GoldenInputs(name)
      let bundle = try await golden.bundle()
      let statistics = try StatisticsCollector(
        bundle: bundle, sequences: [golden.tokens], engine: try engine(threads: 1),
        scratchPath: directory.file("scratch")
      ).collect(text: [])
      for spec in bundle.configuration.tensors {
        let tensor = try BundleTensor(spec: spec, model: 0, codec: .f32)
        let isKnown = spec.role.isMatrix && (spec.role != .embedding || isTied)
        #expect((statistics.feedback(for: tensor) != nil) == isKnown, "\(name) \(spec.name)")
      }
    }
  }

  @Test("a text without tokens is too short")
  func tooShort() async throws {
    let bundle = try await GoldenInputs("llama2").bundle()
    #expect(throws: CalibrationError.textTooShort(fitted: 0, held: 0, needed: 32)) {
      try StatisticsCollector(
        bundle: bundle, sequences: [[]], engine: try engine(threads: 1), scratchPath: directory.file("scratch"))
    }
  }

  @Test("a token without a row in the embedding is refused")
  func unknownTokens() async throws {
    let bundle = try await GoldenInputs("llama2").bundle()
    let rows = bundle.configuration.vocabularySize
    for id in [Int32(rows), -1] {
      #expect(throws: CalibrationError.tokenOutsideVocabulary(id, rows: rows)) {
        try StatisticsCollector(
          bundle: bundle, sequences: [[0, id]], engine: try engine(threads: 1), scratchPath: directory.file("scratch"))
      }
    }
  }

  @Test("what a tokenizer puts before a text may be half of a sequence")
  func prefixes() throws {
    let pieces = (0..<256).map { TokenizerDefinition.Piece(id: Int32($0), bytes: [UInt8($0)]) }
    var definition = TokenizerDefinition(kind: .byteLevelBPE, pieces: pieces, merges: .ranked([]))
    let text = CalibrationText(bytes: Array(repeating: 0x61, count: 600))
    for (prefix, context, length) in [(257, 4096, 512), (511, 4096, 512), (600, 4096, 512), (9, 16, 16), (1, 1, 1)] {
      definition.prefixIDs = Array(repeating: 1, count: prefix)
      let tokenizer = try Tokenizer(image: definition.compiled())
      #expect(throws: CalibrationError.prefixTooLong(prefix, sequence: length)) {
        try CalibrationTokens(text, tokenizer, layout: nil, contextLength: context)
      }
    }
    definition.prefixIDs = Array(repeating: 1, count: 256)
    let tokenizer = try Tokenizer(image: definition.compiled())
    let tokens = try CalibrationTokens(text, tokenizer, layout: nil, contextLength: 4096)
    // 600 bytes in passages of 148, the third held out.
    #expect(tokens.fitted.map(\.count) == [512, 256 + 196] && tokens.held.count == 256 + 148)
  }

  private func engine(threads: Int) throws -> Engine { try Engine(pool: ThreadPool(threads: threads)) }
}

extension Array {
  fileprivate func asyncMap<Result>(_ transform: (Element) async throws -> Result) async rethrows -> [Result] {
    var results: [Result] = []
    for element in self { results.append(try await transform(element)) }
    return results
  }
}

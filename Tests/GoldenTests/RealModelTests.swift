import DeRa
import DeRaCheckpoints
import DeRaConversion
import DeRaKernels
import DeRaTestSupport
import FoundationEssentials
import Testing

/// Real models against transformers on the same weights, where DERA_MODELS names their directory (tools/fetch-models).
@Suite struct RealModelTests {
  private static let directory = Fixtures.models

  private struct Expectation: Decodable {
    struct Prompt: Decodable {
      let tokens: [Int32]
      let greedy: [Int32]
    }
    let model: String
    let prompts: [Prompt]
  }

  @Test(
    "greedy continuations equal transformers' for 64 tokens",
    .enabled(if: directory != nil, "DERA_MODELS names no directory of GGUF files"),
    arguments: ["smollm2-135m", "gemma-3-270m"])
  func greedy(name: String) async throws {
    let json = try Data(contentsOf: URL(filePath: Golden.folder + "real/\(name).json"))
    let expected = try JSONDecoder().decode(Expectation.self, from: json)
    let path = try #require(Self.directory) + "/" + expected.model
    let directory = try TemporaryDirectory()
    let checkpoint = NamedCheckpoint(name: "model", checkpoint: try Checkpoint.open(path: path))
    let converter = try Converter(reference: checkpoint, aligned: [], options: ConversionOptions(bits: .sixteen))
    _ = try await converter.convert(to: directory.file("bundle.dera")) { _ in }
    let bundle = try ModelBundle(path: directory.file("bundle.dera"))
    let engine = try Engine(InstructionSet.best, threads: 2)
    #expect(expected.prompts.count == 5)
    for prompt in expected.prompts {
      let session = try DecodingSession(
        bundle: bundle, contextLength: prompt.tokens.count + prompt.greedy.count, engine: engine)
      try session.append(prompt.tokens)
      var tokens: [Int32] = []
      for _ in prompt.greedy {
        tokens.append(Int32(argmax(Array(try session.logits(Realignment(lambdas: []))))))
        try session.append([tokens[tokens.count - 1]])
      }
      #expect(tokens == prompt.greedy)
    }
  }
}

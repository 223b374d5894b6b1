import DeRaCheckpoints
import DeRaGGUF
import DeRaModelSpec
import DeRaTestSupport
import Testing

/// A tiny llama against what transformers makes of the same file.
struct GGUFModelTests {
  static let path = Fixtures.directory + "/gguf/llama.gguf"

  @Test func weightsAreThoseTransformersLoads() throws {
    let checkpoint = try Checkpoint.open(path: Self.path)
    let expected = try GGUFFile(path: Fixtures.directory + "/gguf/llama.expected.gguf")
    #expect(checkpoint.tensors.count == 11)
    for (name, source) in checkpoint.tensors {
      let tensor = try #require(expected.tensor(named: name), "\(name)")
      let values = try GGUFTensorSource(file: expected, tensor: tensor, dimensions: tensor.dimensions).readAll()
      #expect(mismatches(try source.readAll(), values).isEmpty, "\(name)")
    }
  }

  @Test func partOfTheQueryRowsIsReorderedAsTheWhole() throws {
    let source = try #require(try Checkpoint.open(path: Self.path).tensors["blk.0.attn_q.weight"])
    let whole = try source.readAll()
    var part = [Float](repeating: 0, count: 21 * source.columns)
    try part.withUnsafeMutableBufferPointer { try source.read(rows: 13..<34, into: $0) }
    #expect(part == Array(whole[13 * source.columns..<34 * source.columns]))
    part.removeLast()
    try part.withUnsafeMutableBufferPointer { buffer in
      _ = try checkpointError { try source.read(rows: 13..<34, into: buffer) }
      _ = try checkpointError { try source.read(rows: 60..<70, into: buffer) }
    }
  }

  @Test func configurationComesFromTheMetadata() throws {
    let checkpoint = try Checkpoint.open(path: Self.path)
    let configuration = checkpoint.configuration
    #expect(configuration.architecture == .llama)
    #expect(configuration.vocabularySize == 40)
    #expect(configuration.hiddenSize == 32)
    #expect(configuration.layers == 1)
    #expect(configuration.heads == 4)
    #expect(configuration.kvHeads == 2)
    #expect(configuration.headDim == 16)
    #expect(configuration.feedForwardSize == 48)
    #expect(configuration.contextLength == 512)
    #expect(configuration.normEpsilon == 1e-5)
    #expect(configuration.tiesEmbeddings)
    #expect(configuration.attentionScale == 0.25)
    #expect(configuration.slidingWindow == nil)
    #expect(checkpoint.endOfTextIDs == [2, 5])
    #expect(checkpoint.chatTemplate == "{{ messages[0].content }}")
    #expect(checkpoint.sources == [Self.path])
    #expect(checkpoint.displayName == "llama")
  }

  /// The factors in the file were rounded to f32, and so was every step since.
  @Test func frequencyFactorsGiveLlama3Scaling() throws {
    let rope = try Checkpoint.open(path: Self.path).configuration.rope
    let expected = try GGUFFile(path: Fixtures.directory + "/gguf/llama.expected.gguf")
    let tensor = try #require(expected.tensor(named: "inverse_frequencies"))
    let frequencies = try GGUFTensorSource(file: expected, tensor: tensor, dimensions: tensor.dimensions).readAll()
    #expect(rope.inverseFrequencies.count == frequencies.count)
    for (frequency, other) in zip(rope.inverseFrequencies, frequencies) {
      #expect(abs(frequency / other - 1) < 5e-7)
    }
  }
}

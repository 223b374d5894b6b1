import DeRaCheckpoints
import DeRaJSON
import DeRaModelSpec
import DeRaPlatform
import DeRaTestSupport
import FoundationEssentials
import Testing

/// Directory of the models of tools/fetch-models, if there is one.
private let realModels = Fixtures.models

/// The real models, where DERA_MODELS names their directory: every tensor against the oracle's checksum
/// (Fixtures/gguf/generate.py).
@Suite(.enabled(if: realModels != nil, "set DERA_MODELS to the directory filled by tools/fetch-models"))
struct GGUFRealModelTests {
  @Test func smolLM2EqualsTransformers() throws {
    let checkpoint = try open("SmolLM2-135M-Instruct.Q4_1.gguf")
    let configuration = checkpoint.configuration
    #expect(configuration.layers == 30)
    #expect(configuration.vocabularySize == 49_152)
    #expect(configuration.tiesEmbeddings)
    #expect(checkpoint.endOfTextIDs == [2])
    try compare(checkpoint, "SmolLM2-135M-Instruct.Q4_1.gguf", name: \.huggingFaceName)
  }

  @Test func gemma3EqualsGGUF() throws {
    let checkpoint = try open("gemma-3-270m-q4_k_m.gguf")
    let configuration = checkpoint.configuration
    #expect(configuration.layers == 18)
    #expect(configuration.vocabularySize == 262_144)
    #expect(configuration.headDim == 256)
    #expect(configuration.layerSlides.filter { !$0 }.count == 3)
    #expect(configuration.slidingWindow == 512)
    #expect(configuration.attentionScale == 0.0625)
    #expect(configuration.rope.theta == 1e6)
    #expect(configuration.slidingRope?.theta == 10_000)
    #expect(checkpoint.endOfTextIDs == [1])
    try compare(checkpoint, "gemma-3-270m-q4_k_m.gguf", name: \.name)
  }

  private func open(_ name: String) throws -> Checkpoint {
    try Checkpoint.open(path: "\(try #require(realModels))/\(name)")
  }

  private func compare(_ checkpoint: Checkpoint, _ file: String, name: KeyPath<TensorSpec, String>) throws {
    let json = try MappedFile(path: Fixtures.directory + "/gguf/real-models.json")
    let sums = try #require(try JSON.parse(json.bytes)[file]?.object)
    #expect(sums.count == checkpoint.tensors.count)
    for spec in checkpoint.configuration.tensors {
      let source = try #require(checkpoint.tensors[spec.name])
      #expect(try checksum(source) == sums[spec[keyPath: name]]?.string, "\(spec.name)")
      source.release()
    }
  }

  /// Sum of the f32 bit patterns, each times (2 · index + 1), modulo 2^64; read in bands of rows.
  private func checksum(_ source: any TensorSource) throws -> String {
    var sum: UInt64 = 0
    var index: UInt64 = 0
    let band = 1024
    var values = [Float](repeating: 0, count: band * source.columns)
    for start in stride(from: 0, to: source.rows, by: band) {
      let rows = start..<min(start + band, source.rows)
      try values.withUnsafeMutableBufferPointer { buffer in
        try source.read(rows: rows, into: buffer)
        for value in buffer.prefix(rows.count * source.columns) {
          sum &+= UInt64(value.bitPattern) &* (2 &* index &+ 1)
          index += 1
        }
      }
    }
    let digits = String(sum, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

import DeRaConversion
import DeRaTestSupport
import FoundationEssentials
import Testing

@Suite("Conversion report")
struct ReportTests {
  private func report() throws -> ConversionReport {
    let json = """
      {"output": "pair.dera", "outputBytes": 181234567, "bits": 8, "bitsPerWeight": 5.386, "seconds": 4.23,
       "peakMemoryBytes": 85000000, "warnings": [], "remarks": [], "changes": [],
       "models": [
         {"name": "sft", "ownTensors": 272, "changedTensors": 0, "sharedTensors": 0, "ownBytes": 143000000, "sharedBytes": 0,
          "weights": 134515008, "ownBitsPerWeight": 8.504, "bitsPerWeight": 8.504},
         {"name": "dpo", "ownTensors": 100, "changedTensors": 0, "sharedTensors": 172, "ownBytes": 38123456, "sharedBytes": 104876544,
          "weights": 134515008, "ownBitsPerWeight": 2.267, "bitsPerWeight": 8.504}],
       "tensorClasses": [
         {"role": "embedding", "codec": "int8", "tensors": 1, "weights": 28311552, "relativeRMSError": 0.00446},
         {"role": "attention_output", "codec": "f16", "tensors": 30, "weights": 9953280,
          "relativeRMSError": 0.000209}],
       "worstTensors": [
         {"tensor": "blk.0.attn_k.weight", "model": "dpo", "codec": "int8", "relativeRMSError": 0.0123}]}
      """
    return try JSONDecoder().decode(ConversionReport.self, from: Data(json.utf8))
  }

  @Test("the tables for people")
  func text() throws {
    #expect(
      try report().text == """
        pair.dera: 181.2 MB, 5.39 bits a stored weight, 4.2 s, peak memory 85.00 MB

        model  own tensors  changed  shared  own MB  shared MB  own bits/weight  read
        sft            272        0       0   143.0       0.00             8.50  8.50
        dpo            100        0     172   38.12      104.9             2.27  8.50
        changed: stored as a delta from the reference; read: bits that the runtime reads for a weight

        Error of the matrices, √(Σ error² / Σ weight²)
        class             codec  tensors   weights     error
        embedding         int8         1  28311552   0.00446
        attention_output  f16         30   9953280  0.000209

        Largest errors
        tensor               model  codec   error
        blk.0.attn_k.weight  dpo    int8   0.0123
        """)
  }

  @Test("the error of calibrated matrices is explained")
  func calibrated() throws {
    var report = try report()
    #expect(!report.text.contains("error feedback"))
    report.isCalibrated = true
    #expect(report.text.contains("(error feedback makes it larger"))
  }

  @Test("the same model given twice is told")
  func repetition() async throws {
    var checkpoint = Tiny.checkpoint()
    checkpoint.sources = [Fixtures.repository + "/LICENSE"]
    let plan = try Tiny.converter(checkpoint, [checkpoint, checkpoint]).readInputs { _ in }.plan { _ in }
    #expect(plan.warnings.contains { $0.contains("are the same model") })
  }

  @Test("remarks by kind, warnings elsewhere")
  func remarks() async throws {
    var base = Tiny.checkpoint()
    base.remarks = [.init(.guessed, "g"), .init(.read, "a, b"), .init(.warning, "w"), .init(.ignored, "i")]
    let plan = try Tiny.converter(base).readInputs { _ in }.plan { _ in }
    #expect(plan.report.remarks.lines == ["Read", "  base: a, b", "Ignored", "  base: i", "Guessed", "  base: g"])
    #expect(plan.warnings.contains("base: w"))
  }

  @Test("names given or taken from paths")
  func names() {
    func names(_ arguments: String...) -> [String] { ModelArgument.names(arguments.map(ModelArgument.init)) }
    #expect(names("models/sft/", "a=models/dpo", "x/SmolLM2.Q8_0.gguf") == ["sft", "a", "SmolLM2.Q8_0"])
    #expect(names("x/model.gguf", "y/model.gguf", "model-2=z") == ["model", "model-3", "model-2"])
    #expect(names(".", "/", "ünï code") == ["model", "model-2", "--n---code"])
    // The reference keeps its name; that two have it is refused by the converter.
    #expect(names("x/reference", "reference=y") == ["reference", "reference"])
    #expect(ModelArgument("./a=b").name == nil)
    #expect(ModelArgument("n=p=q").path == "p=q")
  }
}

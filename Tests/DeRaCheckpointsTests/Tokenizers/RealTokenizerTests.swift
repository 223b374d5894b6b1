import DeRaCheckpoints
import DeRaGGUF
import DeRaTestSupport
import DeRaTokenization
import FoundationEssentials
import Testing

/// Directory of the models of tools/fetch-models, if there is one.
private let realModels = Fixtures.models

/// The tokenizers of real models, too large for the repository, against transformers (`generate.py --gguf`).
@Suite(.enabled(if: realModels != nil, "set DERA_MODELS to the directory filled by tools/fetch-models"))
struct RealTokenizerTests {
  @Test(arguments: ["SmolLM2-135M-Instruct.Q4_1.gguf", "gemma-3-270m-q4_k_m.gguf"])
  func equalsTransformers(_ model: String) throws {
    let file = try GGUFFile(path: "\(try #require(realModels))/\(model)")
    let definition = try #require(try GGUFTokenizer.read(file))
    let tokenizer = try Tokenizer(image: definition.compiled())
    try TokenizerFixture.check(
      tokenizer,
      against: TokenizerFixture.expectations(path: "\(TokenizerFixture.directory)/models/\(model).bin"))
  }
}

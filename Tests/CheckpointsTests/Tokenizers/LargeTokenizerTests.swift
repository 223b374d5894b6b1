import Checkpoints
import GGUF
import Testing
import Tokenization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Tokenizers too large for the repository: GGUF models in the directory that DERA_MODELS names, each beside the
/// `.expected` file that `generate.py --gguf` makes.
private let models: [String] = {
  guard let directory = getenv("DERA_MODELS").map({ String(cString: $0) }), let stream = opendir(directory) else {
    return []
  }
  defer { closedir(stream) }
  var models: [String] = []
  while let entry = readdir(stream) {
    let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    if name.hasSuffix(".gguf.expected") { models.append("\(directory)/\(name.dropLast(".expected".count))") }
  }
  return models.sorted()
}()

@Suite(.enabled(if: !models.isEmpty, "DERA_MODELS names no directory with *.gguf.expected files"))
struct LargeTokenizerTests {
  @Test(arguments: models) func equalsTransformers(_ model: String) throws {
    let definition = try #require(try GGUFTokenizer.read(GGUFFile(path: model)))
    let tokenizer = try Tokenizer(image: definition.compiled())
    try TokenizerFixture.check(tokenizer, against: TokenizerFixture.expectations(path: "\(model).expected"))
  }
}

/// The errors of the library. Cases carry data, so that a program can word its own message and remedy.
public enum DeRaError: Error, Sendable, Equatable {
  /// The file cannot be opened, read or mapped; `errno` is nil where the system gave no code.
  case unreadableFile(path: String, errno: Int32?, reason: String)
  /// The file is no bundle that this version can run.
  case invalidBundle(path: String, reason: String)
  /// A tensor's bytes do not have the SHA-256 that the conversion recorded.
  case damagedTensor(path: String, tensor: String)
  /// λ was given for a model that the bundle does not have.
  case unknownModel(String, known: [String])
  /// More λ than aligned models.
  case tooManyLambdas(Int, models: [String])
  /// A λ that is not finite as a 32-bit number.
  case invalidLambda(Double)
  /// The checkpoints came without a tokenizer: only token ids work.
  case noTokenizer(path: String)
  /// The chat template refused the conversation or failed, at a line of it.
  case templateFailed(line: Int, reason: String)
  /// The prompt has no tokens.
  case emptyPrompt
  /// The prompt alone has more tokens than the context.
  case promptTooLong(tokens: Int, contextLength: Int)
  /// The tokens do not fit in the context.
  case contextFull(tokens: Int, contextLength: Int)
  /// A token id that the vocabulary does not have.
  case invalidToken(Int32, vocabularySize: Int)
  /// A sampling or session option outside its range.
  case invalidOption(name: String, value: String, allowed: String)
  /// An answer's form is malformed, not supported, or too large; the reason names the keyword and its place.
  case invalidConstraint(reason: String)
  /// The session would take more than the limit it was given, in bytes.
  case memoryLimit(needed: Int, limit: Int)
  /// The system refused memory or address space.
  case outOfMemory(reason: String)
  /// The logit of a token is NaN or +∞: damaged weights, or λ too far from 0…1.
  case invalidLogit(token: Int, value: Float)
  /// Every token has logit −∞, by the logit bias.
  case noPossibleToken
  /// Another answer was begun in the session before this one was complete.
  case superseded
  /// The environment asks for an instruction set that this machine lacks.
  case unsupportedInstructionSet(String, supported: [String])
}

extension DeRaError: CustomStringConvertible {
  /// The error as a sentence for people.
  public var description: String {
    switch self {
    case .unreadableFile(_, _, let reason), .invalidBundle(_, let reason), .templateFailed(_, let reason),
      .outOfMemory(let reason), .invalidConstraint(let reason):
      reason
    case .damagedTensor(let path, let tensor):
      "\(path): the bytes of tensor '\(tensor)' do not have the recorded SHA-256; the file is damaged"
    case .unknownModel(_, known: []), .tooManyLambdas(_, models: []):
      "the bundle has one model and nothing to realign it to, so it takes no λ"
    case .unknownModel(let name, let known):
      "the bundle has no aligned model '\(name)'; it has \(known.joined(separator: ", "))"
    case .tooManyLambdas(let count, let models):
      "\(count) λ for \(models.count) aligned models (\(models.joined(separator: ", ")))"
    case .invalidLambda(let value): "λ must be a finite number, not \(value)"
    case .noTokenizer(let path): "\(path) has no tokenizer"
    case .invalidOption(let name, let value, let allowed): "\(OptionProblem(name, value, allowed: allowed))"
    case .invalidLogit(let token, let value): "\(SamplingError.badLogit(token: token, value: value))"
    case .noPossibleToken: "\(SamplingError.nothingPossible)"
    case .emptyPrompt: "the prompt has no tokens"
    case .promptTooLong(let tokens, let limit): "the prompt has \(tokens) tokens but the context holds \(limit)"
    case .contextFull(let tokens, let limit): "\(tokens) tokens do not fit in the context of \(limit)"
    case .invalidToken(let id, let size): "token id \(id) is not in the vocabulary; ids are 0 to \(size - 1)"
    case .memoryLimit(let needed, let limit): "the session would take \(needed) bytes, more than the limit of \(limit)"
    case .superseded: "another answer was begun in this session before this one was complete"
    case .unsupportedInstructionSet(let name, let supported):
      "this machine has no instruction set '\(name)'; it has \(supported.joined(separator: ", "))"
    }
  }
}

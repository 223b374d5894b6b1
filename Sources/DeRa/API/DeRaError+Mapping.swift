import DeRaBundle
import DeRaChatTemplate
import DeRaGGUF
import DeRaGrammar
import DeRaKernels
import DeRaPlatform
import DeRaTokenization

extension DeRaError {
  /// The library's error for one of its modules', so that a program need not know them. Cancellation stays what it is.
  /// - Parameter path: the bundle's file.
  static func wrapping<Result>(path: String, _ body: () throws -> Result) throws -> Result {
    do { return try body() } catch { throw wrapped(error, path: path) }
  }

  static func wrapped(_ error: any Error, path: String) -> any Error {
    switch error {
    case is DeRaError, is CancellationError: error
    case let error as SessionError: wrapped(error)
    case let error as GenerationError: wrapped(error)
    case let error as SamplingError: wrapped(error)
    case let error as ModelBundleError: wrapped(error)
    case let error as FileError:
      DeRaError.unreadableFile(path: error.path, errno: error.code, reason: "\(error)")
    case let error as GrammarError: DeRaError.invalidConstraint(reason: "\(error)")
    case is PromptError: DeRaError.noTokenizer(path: path)
    case let error as TemplateError: DeRaError.templateFailed(line: error.line, reason: "\(error)")
    case let error as InstructionSetError:
      DeRaError.unsupportedInstructionSet(error.name, supported: InstructionSet.supported.map(\.rawValue))
    default: DeRaError.invalidBundle(path: path, reason: "\(error)")
    }
  }

  private static func wrapped(_ error: SessionError) -> any Error {
    switch error {
    case .contextFull(let tokens, let limit): DeRaError.contextFull(tokens: tokens, contextLength: limit)
    case .invalidToken(let id, let size): DeRaError.invalidToken(id, vocabularySize: size)
    case .outOfMemory(let reason): DeRaError.outOfMemory(reason: reason)
    case .empty: DeRaError.emptyPrompt
    case .cancelled: CancellationError()
    }
  }

  private static func wrapped(_ error: GenerationError) -> DeRaError {
    switch error {
    case .emptyPrompt: .emptyPrompt
    case .promptTooLong(let tokens, let limit), .textTooLong(let tokens, let limit):
      .promptTooLong(tokens: tokens, contextLength: limit)
    case .promptsTooLong(let tokens, let reference, let limit):
      .promptTooLong(tokens: max(tokens, reference), contextLength: limit)
    case .badOption(let problem): wrapped(problem)
    case .maskedWeights: .invalidOption(name: "plausible", value: "above 0", allowed: "0 where weights are blended")
    }
  }

  private static func wrapped(_ error: SamplingError) -> DeRaError {
    switch error {
    case .badOption(let problem): wrapped(problem)
    case .grammar(let error): .invalidConstraint(reason: "\(error)")
    case .biasOutOfRange(let token, let size): .invalidToken(token, vocabularySize: size)
    case .badLogit(let token, let value): .invalidLogit(token: token, value: value)
    case .nothingPossible: .noPossibleToken
    }
  }

  private static func wrapped(_ problem: OptionProblem) -> DeRaError {
    .invalidOption(name: problem.name, value: problem.value, allowed: problem.allowed)
  }

  private static func wrapped(_ error: ModelBundleError) -> DeRaError {
    switch error {
    case .checksum(let path, let tensor): .damagedTensor(path: path, tensor: tensor)
    }
  }
}

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
    case let error as FileError: DeRaError.unreadableFile(path: error.path, reason: "\(error)")
    case let error as GrammarError: DeRaError.invalidOption(reason: "\(error)")
    case is PromptError: DeRaError.noTokenizer(path: path)
    case let error as TemplateError: DeRaError.templateFailed(reason: "\(error)")
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
    case .promptTooLong(let tokens, let limit): .promptTooLong(tokens: tokens, contextLength: limit)
    case .badOption(let reason): .invalidOption(reason: reason)
    case .maskedWeights: .invalidOption(reason: "a plausibility mask needs logits to be blended, not weights")
    }
  }

  private static func wrapped(_ error: SamplingError) -> DeRaError {
    switch error {
    case .badOption(let reason): .invalidOption(reason: reason)
    case .grammar(let error): .invalidOption(reason: "\(error)")
    case .biasOutOfRange(let token, let size): .invalidToken(token, vocabularySize: size)
    case .badLogit, .nothingPossible: .invalidLogits(reason: "\(error)")
    }
  }

  private static func wrapped(_ error: ModelBundleError) -> DeRaError {
    switch error {
    case .checksum(let path, let tensor): .damagedTensor(path: path, tensor: tensor)
    }
  }
}

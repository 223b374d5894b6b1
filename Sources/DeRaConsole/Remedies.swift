import DeRa
import DeRaBundle
import DeRaEvaluation

/// An error's text and what to type against it. Libraries say what is wrong and carry the data; options and commands are
/// the programs' words.
package func errorText(_ error: any Error) -> String {
  let text = "\(error)"
  return remedy(for: error).map { "\(text); \($0)" } ?? text
}

/// An error whose remedy only its own program can word.
package protocol Remediable: Error {
  var remedy: String? { get }
}

private func remedy(for error: any Error) -> String? {
  switch error {
  case SessionError.contextFull: "shorten the text or raise --context"
  case GenerationError.promptTooLong: "shorten it or raise --context"
  case GenerationError.maskedWeights: "leave out --plausible, or use --blend logits"
  case SamplingError.badLogit, EvaluationError.notFinite:
    "use a smaller λ, or check the bundle with dera inspect --verify"
  case EvaluationError.textTooShort: "--context says how long a chunk is"
  case EvaluationError.notTheFamily: "tools/study/run makes it"
  case BundleError.notABundle(let path):
    "make one of it: dera-quantize --reference \(shellQuoted(path)) --output FILE.dera"
  case PackedBundleError.notABundle: "give one that dera pack made"
  case PackedBundleError.noNote(let path): "expand it first: dera unpack \(shellQuoted(path))"
  case PackedBundleError.noCache: "dera unpack does that"
  case let error as any Remediable: error.remedy
  default: nil
  }
}

import DeRa
import DeRaBundle

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

package let notFiniteRemedy = "use a smaller λ, or check the bundle with dera inspect --verify"

private func remedy(for error: any Error) -> String? {
  switch error {
  case SessionError.contextFull: "shorten the text or raise --context"
  case GenerationError.promptTooLong, GenerationError.textTooLong: "shorten it or raise --context"
  case GenerationError.maskedWeights: "leave out --plausible, or use --blend logits"
  case SamplingError.badLogit: notFiniteRemedy
  case BundleError.notABundle(let path, let kind): remedy(for: kind, shellQuoted(path))
  case PackedBundleError.notABundle: "give one that dera pack made"
  case PackedBundleError.noNote(let path): "expand it first: dera unpack \(shellQuoted(path))"
  case PackedBundleError.noCache: "dera unpack does that"
  case let error as any Remediable: error.remedy
  default: nil
  }
}

private func remedy(for kind: OtherKind, _ path: String) -> String {
  switch kind {
  case .ggufModel, .checkpoint: "convert it first: dera-quantize --reference \(path) --output FILE.dera"
  case .adapter:
    "convert it with its base model first: dera-quantize --reference BASE --aligned \(path) --output FILE.dera"
  case .safetensors: "convert the directory it belongs to first: dera-quantize --reference DIRECTORY --output FILE.dera"
  case .packedBundle: "dera unpack \(path) expands it"
  case .directory, .empty, .file: "give a .dera file; dera-quantize makes one of a checkpoint or GGUF model"
  }
}

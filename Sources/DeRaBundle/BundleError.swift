import DeRaGGUF

/// Why a file cannot be used as a bundle, and what to do.
package enum BundleError: Error, Equatable, CustomStringConvertible {
  case gguf(GGUFError)
  /// Something else than a bundle.
  case notABundle(path: String, OtherKind)
  /// Written by a later program than this one.
  case unsupportedVersion(path: String, found: Int)
  /// A metadata field or tensor that does not fit the rest of the bundle.
  case invalid(path: String, field: String, found: String, expected: String)

  package var description: String {
    switch self {
    case .gguf(let error):
      error.description
    case .notABundle(let path, let kind):
      "\(path) is \(kind.text)"
    case .unsupportedVersion(let path, let found):
      "\(path) is a bundle of version \(found), this program reads version \(BundleManifest.version); "
        + (found > BundleManifest.version ? "use a newer dera or convert the models again" : "convert the models again")
    case .invalid(let path, let field, let found, let expected):
      "\(path): \(field) is \(found), expected \(expected); the bundle is damaged or its writer is faulty, "
        + "convert the models again"
    }
  }
}

/// Something that may be given for a bundle and is none.
package enum OtherKind: Sendable, Equatable {
  /// A model that can be converted: a GGUF file, or a directory with a checkpoint.
  case ggufModel, checkpoint
  /// A LoRA adapter, which is converted together with its base model.
  case adapter
  /// Weights of a checkpoint without the files beside it.
  case safetensors
  case packedBundle
  case directory
  case empty
  case file

  fileprivate var text: String {
    switch self {
    case .ggufModel: "a GGUF model, not a DeRa bundle"
    case .checkpoint: "a checkpoint's directory, not a DeRa bundle"
    case .adapter: "an adapter, not a DeRa bundle"
    case .safetensors: "a safetensors file, not a DeRa bundle"
    case .packedBundle: "a packed bundle where one that is not packed is needed"
    case .directory: "a directory, not a DeRa bundle"
    case .empty: "an empty file, not a DeRa bundle"
    case .file: "not a DeRa bundle"
    }
  }
}

import DeRaGGUF

/// Why a file cannot be used as a bundle, and what to do.
package enum BundleError: Error, Equatable, CustomStringConvertible {
  case gguf(GGUFError)
  /// A GGUF file, but not one of ours.
  case notABundle(path: String)
  /// Written by a later program than this one.
  case unsupportedVersion(path: String, found: Int)
  /// A metadata field or tensor that does not fit the rest of the bundle.
  case invalid(path: String, field: String, found: String, expected: String)

  package var description: String {
    switch self {
    case .gguf(let error):
      error.description
    case .notABundle(let path):
      "\(path) is a GGUF file but not a DeRa bundle (it has no \(BundleKey.version))"
    case .unsupportedVersion(let path, let found):
      "\(path) is a bundle of version \(found), this program reads version \(BundleManifest.version); "
        + (found > BundleManifest.version ? "use a newer dera or convert the models again" : "convert the models again")
    case .invalid(let path, let field, let found, let expected):
      "\(path): \(field) is \(found), expected \(expected); the bundle is damaged or its writer is faulty, "
        + "convert the models again"
    }
  }
}

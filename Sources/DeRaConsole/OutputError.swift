/// Why a result is not written.
package enum OutputError: Error, Equatable, CustomStringConvertible {
  case isBundle(String)
  case notFinite

  package var description: String {
    switch self {
    case .isBundle(let path): "the output \(path) is the bundle itself; choose another name"
    case .notFinite: "the blended logits are not finite; use a smaller λ"
    }
  }
}

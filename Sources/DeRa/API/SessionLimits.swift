/// Bounds of a session's settings, for the library and the command lines.
package enum SessionLimits {
  package static let threads = 1...1024
  package static let sequences = 1...4096
  package static let context = 1...DecodingSession.maximumContext
  /// The context of a session that asks for none, in tokens, if the model was made for as many.
  package static let usualContext = 4096

  /// - Throws: `DeRaError.invalidOption` for a value outside its limits.
  static func check(_ name: String, _ value: Int, _ limits: ClosedRange<Int>) throws(DeRaError) {
    guard limits.contains(value) else {
      throw .invalidOption(name: name, value: "\(value)", allowed: "from \(limits.lowerBound) to \(limits.upperBound)")
    }
  }
}

extension ModelBundle {
  /// The context of a session that asks for none.
  package var usualContext: Int { min(configuration.contextLength, SessionLimits.usualContext) }
}

import DeRaCheckpoints

/// Something that was read, ignored or guessed of a model.
package struct ConversionRemark: Sendable, Equatable, Codable {
  package var model: String
  /// `read`, `ignored` or `guessed`.
  package var kind: String
  package var text: String

  /// The remarks on models, warnings left out, which are reported as such.
  static func all(_ models: [NamedCheckpoint]) -> [ConversionRemark] {
    models.flatMap { model in
      model.checkpoint.remarks.filter { $0.kind != .warning }.map {
        ConversionRemark(model: model.name, kind: $0.kind.rawValue, text: $0.text)
      }
    }
  }
}

extension [ConversionRemark] {
  /// Lines for a terminal, by kind; empty without remarks.
  package var lines: [String] {
    CheckpointRemark.Kind.allCases.flatMap { kind -> [String] in
      let members = filter { $0.kind == kind.rawValue }
      guard !members.isEmpty else { return [] }
      return [kind.rawValue.prefix(1).uppercased() + kind.rawValue.dropFirst()]
        + members.map { "  \($0.model): \($0.text)" }
    }
  }
}

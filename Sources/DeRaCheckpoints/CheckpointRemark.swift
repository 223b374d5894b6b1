/// Something that a user should know about how a checkpoint was read. Readers append to `Checkpoint.remarks`; a conversion
/// ends with all of them.
package struct CheckpointRemark: Sendable, Equatable {
  package enum Kind: String, Sendable, CaseIterable {
    /// Files and fields that were used.
    case read
    /// Files and fields that were there and were not used.
    case ignored
    /// A choice that no file made.
    case guessed
    /// Odd, and perhaps wrong: also printed as a warning.
    case warning
  }

  package var kind: Kind
  package var text: String

  package init(_ kind: Kind, _ text: String) {
    self.kind = kind
    self.text = text
  }
}

extension Checkpoint {
  package var warnings: [String] { remarks.filter { $0.kind == .warning }.map(\.text) }
}

/// `a, b, c and 4 more`: names for a remark, of which there may be thousands.
package func listed(_ names: [String], limit: Int = 8) -> String {
  names.prefix(limit).joined(separator: ", ") + (names.count > limit ? " and \(names.count - limit) more" : "")
}

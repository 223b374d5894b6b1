import DeRaModelSpec
import DeRaTensorCore

/// Formats of single matrices; `choices` overrides `--bits` and `--delta` per matrix.
package struct TensorChoices: Sendable, Equatable {
  /// Codecs of the reference's matrices, by tensor name.
  package var base: [String: PackedCodec]
  /// Stored forms of aligned models' matrices: by the model's number, 1 for the first, then by tensor name.
  package var changes: [Int: [String: DeltaStorage]]

  package init(base: [String: PackedCodec] = [:], changes: [Int: [String: DeltaStorage]] = [:]) {
    self.base = base
    self.changes = changes
  }
}

/// A choice for all matrices whose names match a pattern, as a command line gives it: `PATTERN=CODEC` for the reference,
/// `MODEL:PATTERN=STORAGE` for an aligned model's. `*` stands for any characters.
package struct TensorRule: Sendable, Equatable {
  enum Storage: Sendable, Equatable {
    case base(PackedCodec)
    case change(model: String, DeltaStorage)
  }

  /// The syntax of a rule.
  package static let syntax =
    "PATTERN=CODEC with \(baseCodecs.listed), or MODEL:PATTERN=STORAGE with shared, \(DeltaStorage.syntax)"
  /// Codecs of whole matrices.
  static let baseCodecs = PackedCodec.allCases.filter { $0.form?.scalesRows != true }

  let pattern: String
  let storage: Storage

  /// nil for a text of another syntax.
  package init?(_ text: String) {
    guard let equals = text.lastIndex(of: "="), equals != text.startIndex else { return nil }
    let (left, right) = (text[..<equals], String(text[text.index(after: equals)...]))
    if let colon = left.firstIndex(of: ":") {
      guard let storage = DeltaStorage(right), colon != left.startIndex else { return nil }
      pattern = String(left[left.index(after: colon)...])
      self.storage = .change(model: String(left[..<colon]), storage)
    } else {
      guard let codec = PackedCodec(rawValue: right), Self.baseCodecs.contains(codec) else { return nil }
      pattern = String(left)
      storage = .base(codec)
    }
  }

  /// Enters the choice for all matrices it fits; later rules replace earlier ones.
  /// - Throws: `ConversionError` when there is no such model or matrix.
  func apply(to choices: inout TensorChoices, models: [String], tensors: [TensorSpec]) throws(ConversionError) {
    let names = tensors.filter { $0.role.isMatrix && fits($0.name) }.map(\.name)
    guard !names.isEmpty else { throw .noSuchTensor(pattern) }
    for name in names {
      switch storage {
      case .base(let codec): choices.base[name] = codec
      case .change(let model, let storage):
        guard let number = models.firstIndex(of: model), number > 0 else {
          throw .noSuchModel(model, aligned: Array(models.dropFirst()))
        }
        choices.changes[number, default: [:]][name] = storage
      }
    }
  }

  private func fits(_ name: String) -> Bool {
    let parts = pattern.split(separator: "*", omittingEmptySubsequences: false)
    guard let first = parts.first, let last = parts.last, parts.count > 1 else { return name == pattern }
    guard name.hasPrefix(first) else { return false }
    var rest = name.dropFirst(first.count)
    for part in parts.dropFirst().dropLast() where !part.isEmpty {
      guard let range = Self.firstRange(of: part, in: rest) else { return false }
      rest = rest[range.upperBound...]
    }
    return rest.hasSuffix(last)
  }

  private static func firstRange(of part: Substring, in text: Substring) -> Range<Substring.Index>? {
    var start = text.startIndex
    while true {
      if text[start...].hasPrefix(part) { return start..<text.index(start, offsetBy: part.count) }
      guard start < text.endIndex else { return nil }
      start = text.index(after: start)
    }
  }
}

extension [PackedCodec] {
  /// `a, b or c`
  fileprivate var listed: String {
    "\(dropLast().map(\.rawValue).joined(separator: ", ")) or \(last?.rawValue ?? "")"
  }
}

import DeRa
import DeRaBundle
import DeRaTokenization

/// The bundle that is served, with its names and its defaults.
package struct ServedModel: Sendable {
  /// A λ that clients can choose by the model's name, `pair@name`.
  package struct Preset: Sendable {
    package var name: String
    package var realignment: Realignment

    package init(name: String, realignment: Realignment) {
      self.name = name
      self.realignment = realignment
    }
  }

  /// The name that clients use: the file's without its extension, unless another was given.
  package let name: String
  package let bundle: ModelBundle
  package let format: PromptFormat
  package let tokenizer: Tokenizer
  /// Identifies the bundle; 64 hexadecimal digits.
  package let fingerprint: String
  /// Most tokens of prompt and answer together.
  package let context: Int
  package let started: Int
  package var realignment: Realignment
  package var presets: [Preset]
  /// The λ of requests that say nothing.
  package var options: GenerationOptions

  package init(
    _ bundle: ModelBundle, name: String, format: PromptFormat, context: Int, realignment: Realignment,
    presets: [Preset], options: GenerationOptions, started: Int
  ) throws {
    self.bundle = bundle
    self.name = name
    self.format = format
    tokenizer = format.tokenizer
    fingerprint = try bundle.fingerprint()
    self.context = context
    self.realignment = realignment
    self.presets = presets
    self.options = options
    self.started = started
    self.options.furtherEnds = Set(format.furtherEnds.map(\.id))
  }

  /// Names of the models that λ is given for.
  var aligned: [String] { bundle.alignedModels }
  /// The names that clients may choose from, the plain one first.
  var listedNames: [String] { [name] + presets.map { "\(name)@\($0.name)" } }
  var systemFingerprint: String { "b-" + fingerprint.prefix(12) }

  /// Presets of a bundle that has aligned models, unless others are given.
  package static func usualPresets(_ bundle: ModelBundle) -> [Preset] {
    guard !bundle.alignedModels.isEmpty else { return [] }
    return [("0", 0), ("0.5", 0.5), ("1", 1)].map {
      Preset(name: $0.0, realignment: Realignment($0.1, models: bundle.alignedModels.count))
    }
  }
}

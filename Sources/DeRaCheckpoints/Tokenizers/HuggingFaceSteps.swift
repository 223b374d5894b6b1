import DeRaTokenization

/// `normalizer` of a `tokenizer.json`.
enum NormalizerReader {
  private static let supported = ["NFC", "NFD", "Lowercase", "Strip", "Replace", "Prepend", "Sequence"]

  static func read(_ field: TokenizerField) throws(CheckpointError) -> [TextStep] {
    var steps: [TextStep] = []
    for step in try field.chain("normalizers") { steps.append(try read(step: step)) }
    return steps
  }

  private static func read(step: TokenizerField) throws(CheckpointError) -> TextStep {
    switch try step.type() {
    case "NFC": return .composed
    case "NFD": return .decomposed
    case "Lowercase": return .lowercased
    case "Strip":
      return .trimmed(
        left: try step["strip_left"].bool(default: true), right: try step["strip_right"].bool(default: true))
    case "Replace":
      return .replaced(try PreTokenizerReader.pattern(step["pattern"]), with: try step["content"].bytes())
    case "Prepend": return .prefixed(try step["prepend"].bytes(), unlessPresent: false, firstOnly: false)
    case let type: throw step.unsupported("normalizer", type, supported: supported)
    }
  }
}

/// `pre_tokenizer` of a `tokenizer.json`.
struct PreTokenizerReader {
  private static let supported = ["ByteLevel", "Digits", "Split", "Metaspace", "Sequence"]

  private(set) var steps: [TextStep] = []
  /// The model sees bytes in the byte-level alphabet.
  private(set) var isByteLevel = false

  /// `add_prefix_space` of ByteLevel steps, where another file decides.
  private var prefixSpace: Bool?

  static func read(_ field: TokenizerField, prefixSpace: Bool? = nil) throws(CheckpointError) -> PreTokenizerReader {
    var reader = PreTokenizerReader()
    reader.prefixSpace = prefixSpace
    for step in try field.chain("pretokenizers") {
      if reader.isByteLevel { throw step.error("a step after ByteLevel is not supported") }
      try reader.append(step)
    }
    return reader
  }

  private mutating func append(_ step: TokenizerField) throws(CheckpointError) {
    switch try step.type() {
    case "ByteLevel":
      isByteLevel = true
      let own = try step["add_prefix_space"].bool(default: true)
      steps += TextStep.byteLevel(
        addPrefixSpace: prefixSpace ?? own,
        usesRegex: try step["use_regex"].bool(default: true))
    case "Digits": steps.append(.digits(individual: try step["individual_digits"].bool(default: false)))
    case "Split":
      steps.append(
        .split(
          try Self.pattern(step["pattern"]), try Self.behavior(step["behavior"]),
          inverted: try step["invert"].bool(default: false)))
    case "Metaspace":
      steps += TextStep.metaspace(
        replacement: try step["replacement"].bytes(), scheme: try Self.scheme(step),
        splits: try step["split"].bool(default: true))
    case let type: throw step.unsupported("pre-tokenizer", type, supported: Self.supported)
    }
  }

  static func pattern(_ field: TokenizerField) throws(CheckpointError) -> TextPattern {
    if !field["Regex"].isNull { return .regex(try field["Regex"].string()) }
    return .literal(try field["String"].bytes())
  }

  private static func behavior(_ field: TokenizerField) throws(CheckpointError) -> SplitBehavior {
    let names: [String: SplitBehavior] = [
      "Removed": .removed, "Isolated": .isolated, "MergedWithPrevious": .mergedWithPrevious,
      "MergedWithNext": .mergedWithNext, "Contiguous": .contiguous,
    ]
    let name = try field.string()
    guard let behavior = names[name] else {
      throw field.unsupported("split behavior", name, supported: names.keys.sorted())
    }
    return behavior
  }

  /// `prepend_scheme`, or `add_prefix_space` in files from before 2024.
  static func scheme(_ step: TokenizerField) throws(CheckpointError) -> TextStep.PrependScheme {
    if step["prepend_scheme"].isNull { return try step["add_prefix_space"].bool(default: true) ? .always : .never }
    let name = try step["prepend_scheme"].string()
    guard let scheme = TextStep.PrependScheme(rawValue: name) else {
      throw step["prepend_scheme"].unsupported(
        "scheme", name, supported: TextStep.PrependScheme.allCases.map(\.rawValue))
    }
    return scheme
  }
}

/// `decoder` of a `tokenizer.json`.
enum DecoderReader {
  /// Decoders of models whose pieces are text.
  private static let supported = ["Replace", "ByteFallback", "Fuse", "Strip", "Metaspace", "Sequence"]

  static func read(_ field: TokenizerField, isByteLevel: Bool) throws(CheckpointError) -> TokenizerDefinition.Decoder {
    let chain = try field.chain("decoders")
    var decoder = TokenizerDefinition.Decoder()
    if isByteLevel {
      for step in chain where !["ByteLevel", "Fuse"].contains(try step.type()) {
        throw step.unsupported("decoder of a byte-level model", try step.type(), supported: ["ByteLevel", "Fuse"])
      }
      return decoder
    }
    guard !chain.isEmpty else { throw field.error("there is no decoder", expected: supported.joined(separator: ", ")) }
    var isFused = false
    for step in chain { try append(step, to: &decoder, &isFused) }
    return decoder
  }

  private static func append(
    _ step: TokenizerField, to decoder: inout TokenizerDefinition.Decoder, _ isFused: inout Bool
  ) throws(CheckpointError) {
    let type = try step.type()
    let isLate = isFused || decoder.joinsBytes
    switch type {
    case "Fuse": isFused = true
    case "ByteFallback" where !isLate: decoder.joinsBytes = true
    case "Replace" where !isLate:
      decoder.steps.append(.replaced(try step["pattern"]["String"].bytes(), with: try step["content"].bytes()))
    case "Metaspace" where !isLate:
      let dropsFirst = try PreTokenizerReader.scheme(step) != .never
      decoder.steps.append(.metaspace(unit: try step["replacement"].bytes(), dropsFirst: dropsFirst))
    case "Strip" where isFused && decoder.strippedUnit.isEmpty:
      decoder.strippedUnit = try step["content"].bytes()
      decoder.strippedAtStart = max(0, try step["start"].int(default: 0))
      decoder.strippedAtEnd = max(0, try step["stop"].int(default: 0))
    case "Strip" where !isLate:
      decoder.steps.append(
        .stripped(
          unit: try step["content"].bytes(), start: max(0, try step["start"].int(default: 0)),
          stop: max(0, try step["stop"].int(default: 0))))
    case "Replace", "Metaspace", "Strip", "ByteFallback":
      throw step.error("the decoder \(type) is not supported at this place of the sequence")
    case "ByteLevel":
      throw step.error(
        "the decoder “ByteLevel” is for a byte-level model, and this one has no such pre-tokenizer",
        expected: "pre_tokenizer with a step ByteLevel, or one of \(supported.joined(separator: ", "))")
    default: throw step.unsupported("decoder", type, supported: supported)
    }
  }
}

/// `post_processor` of a `tokenizer.json`.
enum PostProcessorReader {
  static func read(_ field: TokenizerField) throws(CheckpointError) -> (prefix: [Int32], suffix: [Int32]) {
    var prefix: [Int32] = []
    var suffix: [Int32] = []
    for step in try field.chain("processors") {
      switch try step.type() {
      case "ByteLevel": continue
      case "TemplateProcessing":
        let template = try template(step)
        prefix = template.prefix + prefix
        suffix += template.suffix
      case let type: throw step.unsupported("post-processor", type, supported: ["ByteLevel", "TemplateProcessing"])
      }
    }
    return (prefix, suffix)
  }

  private static func template(_ step: TokenizerField) throws(CheckpointError) -> (prefix: [Int32], suffix: [Int32]) {
    var prefix: [Int32] = []
    var suffix: [Int32] = []
    var sequences = 0
    for element in try step["single"].elements() {
      if !element["Sequence"].isNull {
        sequences += 1
        continue
      }
      let name = try element["SpecialToken"]["id"].string()
      for id in try step["special_tokens"][name]["ids"].elements() {
        if sequences == 0 { prefix.append(try id.tokenID()) } else { suffix.append(try id.tokenID()) }
      }
    }
    guard sequences == 1 else { throw step["single"].error("the text occurs \(sequences) times", expected: "once") }
    return (prefix, suffix)
  }
}

/// The part of the image that is read at start-up: some hundred bytes whatever the vocabulary.
struct ImageSettings {
  var kind: TokenizerDefinition.Kind
  var ignoresMerges = false
  var fallsBackToBytes = false
  var fusesUnknown = false
  /// unknown, begin of sequence, end of sequence, padding; −1 for none.
  var namedIDs: [Int32]
  var prefixIDs: [Int32]
  var suffixIDs: [Int32]
  /// Patterns are in PCRE2's syntax here.
  var normalizer: [TextStep]
  var preTokenizer: [TextStep]
  var decoder: TokenizerDefinition.Decoder

  /// - Throws: `TokenizerError.invalidPattern`.
  init(_ definition: TokenizerDefinition) throws(TokenizerError) {
    kind = definition.kind
    ignoresMerges = definition.ignoresMerges
    fallsBackToBytes = definition.fallsBackToBytes
    fusesUnknown = definition.fusesUnknown
    namedIDs = [definition.unknownID, definition.bosID, definition.eosID, definition.padID].map { $0 ?? -1 }
    prefixIDs = definition.prefixIDs
    suffixIDs = definition.suffixIDs
    normalizer = []
    preTokenizer = []
    for step in definition.normalizer { normalizer.append(try step.translated()) }
    for step in definition.preTokenizer { preTokenizer.append(try step.translated()) }
    decoder = definition.decoder
  }

  func encoded() -> [UInt8] {
    var image: [UInt8] = [kind.rawValue, ignoresMerges ? 1 : 0, fallsBackToBytes ? 1 : 0, fusesUnknown ? 1 : 0]
    for ids in [namedIDs, prefixIDs, suffixIDs] {
      image.append(littleEndian: UInt32(ids.count))
      for id in ids { image.append(littleEndian: id) }
    }
    for steps in [normalizer, preTokenizer] {
      image.append(littleEndian: UInt32(steps.count))
      for step in steps { step.encode(to: &image) }
    }
    decoder.encode(to: &image)
    return image
  }

  /// - Throws: `TokenizerError.damagedImage`.
  init(from reader: inout ImageReader) throws(TokenizerError) {
    guard let kind = TokenizerDefinition.Kind(rawValue: try reader.integer(UInt8.self)) else {
      throw reader.damaged("an unknown kind of tokenizer", "a kind this version knows")
    }
    self.kind = kind
    ignoresMerges = try reader.flag()
    fallsBackToBytes = try reader.flag()
    fusesUnknown = try reader.flag()
    namedIDs = try Self.ids(&reader)
    prefixIDs = try Self.ids(&reader)
    suffixIDs = try Self.ids(&reader)
    normalizer = try Self.steps(&reader)
    preTokenizer = try Self.steps(&reader)
    decoder = try TokenizerDefinition.Decoder(from: &reader)
    guard namedIDs.count == 4, reader.isAtEnd else { throw reader.damaged("settings of another size", "their end") }
  }

  private static func ids(_ reader: inout ImageReader) throws(TokenizerError) -> [Int32] {
    var ids: [Int32] = []
    for _ in 0..<(try reader.count(bytesEach: 4)) { ids.append(try reader.integer(Int32.self)) }
    return ids
  }

  private static func steps(_ reader: inout ImageReader) throws(TokenizerError) -> [TextStep] {
    var steps: [TextStep] = []
    for _ in 0..<(try reader.count(bytesEach: 1)) { steps.append(try TextStep(from: &reader)) }
    return steps
  }

  /// - Throws: `TokenizerError.damagedImage` for ids outside the vocabulary.
  func validate(pieces: Int) throws(TokenizerError) {
    for id in namedIDs + prefixIDs + suffixIDs where id < -1 || Int(id) >= pieces {
      throw .damagedImage(offset: 0, found: "id \(id) in the settings", expected: "an id below \(pieces)")
    }
    for id in prefixIDs + suffixIDs where id < 0 {
      throw .damagedImage(offset: 0, found: "id \(id) added to the text", expected: "an id of the vocabulary")
    }
  }
}

extension TextStep {
  fileprivate func encode(to image: inout [UInt8]) {
    switch self {
    case .composed: image.append(0)
    case .decomposed: image.append(1)
    case .lowercased: image.append(2)
    case .trimmed(let left, let right): image += [3, left ? 1 : 0, right ? 1 : 0]
    case .replaced(let pattern, let content):
      image.append(4)
      pattern.encode(to: &image)
      image.append(block: content)
    case .prefixed(let bytes, let unlessPresent, let firstOnly):
      image += [5, unlessPresent ? 1 : 0, firstOnly ? 1 : 0]
      image.append(block: bytes)
    case .split(let pattern, let behavior, let inverted):
      image += [6, behavior.rawValue, inverted ? 1 : 0]
      pattern.encode(to: &image)
    }
  }

  fileprivate init(from reader: inout ImageReader) throws(TokenizerError) {
    switch try reader.integer(UInt8.self) {
    case 0: self = .composed
    case 1: self = .decomposed
    case 2: self = .lowercased
    case 3: self = .trimmed(left: try reader.flag(), right: try reader.flag())
    case 4: self = .replaced(try TextPattern(from: &reader), with: try reader.shortBlock())
    case 5:
      let unlessPresent = try reader.flag()
      let firstOnly = try reader.flag()
      self = .prefixed(try reader.shortBlock(), unlessPresent: unlessPresent, firstOnly: firstOnly)
    case 6:
      guard let behavior = SplitBehavior(rawValue: try reader.integer(UInt8.self)) else {
        throw reader.damaged("an unknown way to split", "a way this version knows")
      }
      let inverted = try reader.flag()
      self = .split(try TextPattern(from: &reader), behavior, inverted: inverted)
    case let kind: throw reader.damaged("step \(kind)", "a step this version knows")
    }
  }
}

extension TextPattern {
  fileprivate func encode(to image: inout [UInt8]) {
    switch self {
    case .literal(let bytes):
      image.append(0)
      image.append(block: bytes)
    case .regex(let source):
      image.append(1)
      image.append(block: Array(source.utf8))
    }
  }

  fileprivate init(from reader: inout ImageReader) throws(TokenizerError) {
    let isRegex = try reader.flag()
    self = isRegex ? .regex(String(decoding: try reader.block(), as: UTF8.self)) : .literal(try reader.shortBlock())
  }
}

extension TokenizerDefinition.Decoder {
  fileprivate func encode(to image: inout [UInt8]) {
    image.append(littleEndian: UInt32(steps.count))
    for step in steps {
      switch step {
      case .replaced(let bytes, let content):
        image.append(0)
        image.append(block: bytes)
        image.append(block: content)
      case .stripped(let unit, let start, let stop):
        image.append(1)
        image.append(block: unit)
        image.append(littleEndian: UInt32(clamping: start))
        image.append(littleEndian: UInt32(clamping: stop))
      case .metaspace(let unit, let dropsFirst):
        image += [2, dropsFirst ? 1 : 0]
        image.append(block: unit)
      }
    }
    image.append(joinsBytes ? 1 : 0)
    image.append(block: strippedUnit)
    image.append(littleEndian: UInt32(clamping: strippedAtStart))
    image.append(littleEndian: UInt32(clamping: strippedAtEnd))
  }

  /// More would let a damaged image multiply a token's text without end.
  private static let maximumSteps = 16

  fileprivate init(from reader: inout ImageReader) throws(TokenizerError) {
    let count = try reader.count(bytesEach: 1)
    guard count <= Self.maximumSteps else {
      throw reader.damaged("\(count) decoder steps", "at most \(Self.maximumSteps)")
    }
    for _ in 0..<count {
      switch try reader.integer(UInt8.self) {
      case 0: steps.append(.replaced(try reader.shortBlock(), with: try reader.shortBlock()))
      case 1:
        let unit = try reader.shortBlock()
        let start = Int(try reader.integer(UInt32.self))
        steps.append(.stripped(unit: unit, start: start, stop: Int(try reader.integer(UInt32.self))))
      case 2:
        let dropsFirst = try reader.flag()
        steps.append(.metaspace(unit: try reader.shortBlock(), dropsFirst: dropsFirst))
      case let kind: throw reader.damaged("decoder step \(kind)", "a step this version knows")
      }
    }
    joinsBytes = try reader.flag()
    strippedUnit = try reader.shortBlock()
    strippedAtStart = Int(try reader.integer(UInt32.self))
    strippedAtEnd = Int(try reader.integer(UInt32.self))
  }
}

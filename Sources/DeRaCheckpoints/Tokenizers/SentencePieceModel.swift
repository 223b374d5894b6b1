import DeRaTokenization

/// Reads SentencePiece's `tokenizer.model` (a protocol buffer; google/sentencepiece, `sentencepiece_model.proto`).
///
/// Only BPE models without a character map, as Llama 2, Mistral and Gemma have them.
package enum SentencePieceModel {
  /// - Throws: `CheckpointError` naming the byte or the setting.
  package static func read(path: String) throws(CheckpointError) -> TokenizerDefinition {
    try vocabulary(path: path).definition()
  }

  static func vocabulary(path: String) throws(CheckpointError) -> SentencePieceVocabulary {
    let file = try CheckpointFile.map(path)
    var model = SentencePieceFields()
    do throws(ProtobufReader.Failure) {
      try model.read(file.bytes)
    } catch {
      throw CheckpointError(
        path: path, subject: "byte \(error.offset)", problem: error.problem, expected: "a SentencePiece model",
        remedy: "Fetch the file again.")
    }
    try model.requireSupported(path: path)
    return try model.vocabulary(path: path)
  }
}

/// The fields we use of `ModelProto`, with the defaults of its schema.
private struct SentencePieceFields {
  var vocabulary: [SentencePieceVocabulary.Entry] = []
  var modelType: UInt64 = 1
  var fallsBackToBytes = false
  var spaceIsSuffix = false
  var unknownID = 0
  var bosID = 1
  var eosID = 2
  var padID = -1
  var normalizer = ""
  var characterMapBytes = 0
  var addsPrefix = true
  var removesExtraSpaces = true
  var escapesSpaces = true

  mutating func read(_ data: UnsafeRawBufferPointer) throws(ProtobufReader.Failure) {
    var message = ProtobufReader(data, 0..<data.count)
    while let field = try message.next() {
      guard case .bytes(let range) = field.value else { continue }
      switch field.number {
      case 1: try readPiece(data, range)
      case 2: try readTrainer(data, range)
      case 3: try readNormalizer(data, range)
      default: continue
      }
    }
  }

  private mutating func readPiece(
    _ data: UnsafeRawBufferPointer, _ range: Range<Int>
  ) throws(ProtobufReader.Failure) {
    var entry = SentencePieceVocabulary.Entry(bytes: [], score: 0, type: .normal)
    var message = ProtobufReader(data, range)
    while let field = try message.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let range)): entry.bytes = Array(data[range])
      case (2, .fixed32(let bits)): entry.score = Float(bitPattern: bits)
      case (3, .varint(let value)):
        guard let type = SentencePieceVocabulary.EntryType(rawValue: Int(truncatingIfNeeded: value)) else {
          throw ProtobufReader.Failure(offset: range.lowerBound, problem: "a piece of type \(value)")
        }
        entry.type = type
      default: continue
      }
    }
    vocabulary.append(entry)
  }

  private mutating func readTrainer(
    _ data: UnsafeRawBufferPointer, _ range: Range<Int>
  ) throws(ProtobufReader.Failure) {
    var message = ProtobufReader(data, range)
    while let field = try message.next() {
      guard case .varint(let value) = field.value else { continue }
      // Enumerations and ids are int32, negative ones sign-extended.
      let int = Int(Int32(truncatingIfNeeded: value))
      switch field.number {
      case 3: modelType = value
      case 24: spaceIsSuffix = value != 0
      case 35: fallsBackToBytes = value != 0
      case 40: unknownID = int
      case 41: bosID = int
      case 42: eosID = int
      case 43: padID = int
      default: continue
      }
    }
  }

  private mutating func readNormalizer(
    _ data: UnsafeRawBufferPointer, _ range: Range<Int>
  ) throws(ProtobufReader.Failure) {
    var message = ProtobufReader(data, range)
    while let field = try message.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let range)): normalizer = String(decoding: data[range], as: UTF8.self)
      case (2, .bytes(let range)): characterMapBytes = range.count
      case (3, .varint(let value)): addsPrefix = value != 0
      case (4, .varint(let value)): removesExtraSpaces = value != 0
      case (5, .varint(let value)): escapesSpaces = value != 0
      default: continue
      }
    }
  }

  func requireSupported(path: String) throws(CheckpointError) {
    let models: [UInt64: String] = [1: "unigram", 2: "BPE", 3: "word", 4: "character"]
    let problem: (field: String, found: String, expected: String)? =
      if modelType != 2 {
        ("model_type", models[modelType] ?? "\(modelType)", "BPE")
      } else if characterMapBytes > 0 {
        ("normalizer_spec", "\(normalizer), a map of \(characterMapBytes) bytes", "identity")
      } else if spaceIsSuffix {
        ("treat_whitespace_as_suffix", "true", "false")
      } else if !escapesSpaces {
        ("escape_whitespaces", "false", "true")
      } else {
        nil
      }
    guard let problem else { return }
    throw CheckpointError(
      path: path, subject: problem.field, problem: "\(problem.found) is not supported", expected: problem.expected,
      remedy: "Use a checkpoint with a tokenizer.json.")
  }

  func vocabulary(path: String) throws(CheckpointError) -> SentencePieceVocabulary {
    func id(_ value: Int, _ name: String) throws(CheckpointError) -> Int32? {
      guard value >= 0 else { return nil }
      guard value < vocabulary.count else {
        throw CheckpointError(
          path: path, subject: name, problem: "\(value)", expected: "an id below \(vocabulary.count)")
      }
      return Int32(value)
    }
    var result = SentencePieceVocabulary(path: path, entries: vocabulary)
    result.unknownID = try id(unknownID, "unk_id")
    result.bosID = try id(bosID, "bos_id")
    result.eosID = try id(eosID, "eos_id")
    result.padID = try id(padID, "pad_id")
    result.addsSpacePrefix = addsPrefix
    result.removesExtraSpaces = removesExtraSpaces
    result.fallsBackToBytes = fallsBackToBytes
    return result
  }
}

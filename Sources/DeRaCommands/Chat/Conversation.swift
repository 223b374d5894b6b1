import DeRa
import DeRaCompression
import DeRaConsole
import DeRaJSON
import DeRaPlatform
import DeRaText

/// One turn of a conversation, in the shape every chat API uses.
package struct Message: Codable, Equatable {
  package var role: String
  package var content: String

  package init(role: String, content: String) {
    self.role = role
    self.content = content
  }
}

/// A conversation as `/save` writes it: JSON with the messages, λ and the sampler's seed, in an LZ4 frame where the name
/// ends with `.lz4`.
package struct Conversation: Codable, Equatable {
  package static let currentVersion = 1
  /// Far beyond any context; guards against reading something else.
  package static let byteLimit = 1 << 26

  package var version = currentVersion
  package var messages: [Message]
  /// λ by name of the aligned model, and the prompt's where there is a reference prompt.
  package var lambda: [String: Float]
  package var seed: UInt64?

  package init(messages: [Message], lambda: [String: Float], seed: UInt64?) {
    self.messages = messages
    self.lambda = lambda
    self.seed = seed
  }

  /// - Throws: `FileError`; a file that already had the name then stays as it was.
  package func save(to path: String) throws {
    let text = try jsonText(self)
    let file = try AtomicFile(path: path)
    try Array(text.utf8).withUnsafeBytes { bytes in
      guard path.hasSuffix(PackedBundle.suffix) else { return try file.write(bytes) }
      try LZ4.compress(bytes, level: LZ4.levels.upperBound) { try file.write($0) }
    }
    try file.commit()
  }

  /// - Throws: `FileError`, or `StreamError` or `RecordError` when the file is no conversation.
  package static func load(from path: String) throws -> Conversation {
    let file = try MappedFile(text: path)
    guard file.bytes.count <= byteLimit else {
      throw StreamError(description: "\(path): \(byteText(file.bytes.count)) is too long for a conversation")
    }
    let conversation = try fromJSON(Conversation.self, try text(of: file), name: path)
    guard conversation.version == currentVersion else {
      throw StreamError(
        description: "\(path): version \(conversation.version) of the format, this program reads \(currentVersion)")
    }
    let roles = ["system", "user", "assistant"]
    if let message = conversation.messages.first(where: { !roles.contains($0.role) }) {
      throw StreamError(description: "\(path): role '\(message.role)' is none of \(roles.joined(separator: ", "))")
    }
    for (model, value) in conversation.lambda {
      try RecordCheck(place: path).require(value.isFinite, "lambda.\(model)", "a finite number")
    }
    return conversation
  }

  private static func text(of file: MappedFile) throws -> [UInt8] {
    guard LZ4.isFrame(file.bytes) else { return Array(file.bytes) }
    var text: [UInt8] = []
    do {
      try LZ4.expand(file.bytes, limit: byteLimit) { text += $0 }
    } catch {
      throw StreamError(description: "\(file.path): \(error)")
    }
    return text
  }
}

import DeRaBundle
import DeRaCompression
import DeRaDigest
import DeRaGGUF
import DeRaPlatform
import DeRaTensorCore

/// A bundle in transport form, `.dera.lz4`: an LZ4 frame that any lz4 program expands, after a note with the bundle's
/// size and SHA-256.
///
/// The note is `DeRaPack`, the number of bytes as 64-bit little-endian integer, and the 32 bytes of the digest.
package struct PackedBundle: Sendable {
  package static let suffix = ".lz4"

  package let path: String
  /// Bytes of the bundle, and their SHA-256 in hexadecimal digits; nil when another program packed it.
  package let content: (bytes: Int, sha256: String)?
  let file: MappedFile

  private static let mark = Array("DeRaPack".utf8)
  private static let noteBytes = mark.count + 8 + SHA256.byteCount
  /// Told bytes done and bytes in all; may throw to end the work.
  package typealias Progress = (_ done: Int, _ total: Int) throws -> Void

  /// nil for a file that is no LZ4 frame.
  /// - Throws: `FileError` when it cannot be read.
  package init?(path: String) throws(FileError) {
    let file = try MappedFile(path: path)
    guard LZ4.isFrame(file.bytes) else { return nil }
    self.path = path
    self.file = file
    content = LZ4.note(of: file.bytes).flatMap(Self.content)
  }

  package var byteCount: Int { file.bytes.count }

  private static func content(_ note: UnsafeRawBufferPointer) -> (bytes: Int, sha256: String)? {
    guard note.count == noteBytes, note.starts(with: mark) else { return nil }
    let count = UInt64(littleEndian: note.loadUnaligned(fromByteOffset: mark.count, as: UInt64.self))
    guard let bytes = Int(exactly: count) else { return nil }
    return (bytes, SHA256.hexadecimal(note[(mark.count + 8)...]))
  }

  private static func note(bytes: Int, digest: some Sequence<UInt8>) -> [UInt8] {
    LZ4.note(mark + withUnsafeBytes(of: UInt64(bytes).littleEndian) { Array($0) } + Array(digest))
  }

  /// Packs a bundle.
  /// - Parameter level: one of `LZ4.levels`.
  /// - Returns: bytes of the packed file.
  /// - Throws: what opening a bundle throws, `FileError`, `PackedBundleError`, and what `progress` throws. The output is
  ///   then as it was.
  package static func pack(
    _ path: String, to output: String, level: Int, progress: Progress = { _, _ in }
  ) throws -> Int {
    _ = try ModelBundle(mapping: path)
    let source = try MappedFile(path: path)
    let file = try AtomicFile(path: output)
    let total = source.bytes.count
    func write(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try file.write($0) } }
    // The digest is known when everything has been read.
    try write(note(bytes: total, digest: repeatElement(0, count: SHA256.byteCount)))
    var hash = SHA256()
    var hashed = 0
    try LZ4.compress(source.bytes, level: level) {
      try file.write($0)
    } progress: { done in
      hash.update(UnsafeRawBufferPointer(rebasing: source.bytes[hashed..<done]))
      source.drop(hashed..<done)
      hashed = done
      try progress(done, total)
    }
    try note(bytes: total, digest: hash.finalize()).withUnsafeBytes { try file.overwrite($0, at: 0) }
    try file.commit()
    return file.position
  }

  /// Writes the bundle it holds; a file that has the name is replaced once everything is checked.
  /// - Throws: `PackedBundleError`, `FileError`, what opening a bundle throws, and what `progress` throws.
  package func unpack(to output: String, progress: Progress = { _, _ in }) throws {
    if let content { try checkRoom(content.bytes, beside: output) }
    let target = try AtomicFile(path: output)
    // A packed megabyte can stand for hundreds: nothing is written beyond what a valid bundle's own header announces.
    var announced: Int?
    try expand(progress: progress) { piece in
      if let announced, piece.count > announced - target.position {
        throw PackedBundleError.longerThanAnnounced(path: path, bytes: announced)
      }
      try target.write(piece)
      if announced == nil { announced = try announcedBytes(target, beside: output) }
    }
    guard target.position == announced else { throw PackedBundleError.notABundle(path: path) }
    try target.commit { _ = try ModelBundle(mapping: $0) }
  }

  /// A bundle's header ends within so many bytes.
  private static let headerLimit = 1 << 26

  /// Bytes of the bundle whose start is written, once its whole header is: it must be a bundle's, and there must be room.
  private func announcedBytes(_ target: AtomicFile, beside output: String) throws -> Int? {
    do {
      guard let bytes = try target.inspect(as: 0, { try GGUFFile.byteCount(ofStart: $0) }) else {
        guard target.position <= Self.headerLimit else { throw PackedBundleError.notABundle(path: path) }
        return nil
      }
      guard bytes >= target.position, bytes == content?.bytes ?? bytes else {
        throw PackedBundleError.longerThanAnnounced(path: path, bytes: bytes)
      }
      try checkRoom(bytes, beside: output)
      try target.inspect(as: bytes) { _ = try BundleManifest(file: try GGUFFile(path: $0)) }
      return bytes
    } catch  where error is GGUFError || error is BundleError {
      // Its text names the temporary file.
      throw PackedBundleError.notABundle(path: path)
    }
  }

  /// Hands over the bundle's bytes piece by piece, and checks them against the note.
  /// - Throws: `PackedBundleError` (for other content once all pieces were handed over), and what `receive` and `progress`
  ///   throw.
  func expand(progress: Progress, _ receive: (UnsafeRawBufferPointer) throws -> Void) throws {
    var hash = SHA256()
    var count = 0
    var done = 0
    do {
      try LZ4.expand(file.bytes, limit: content?.bytes ?? .max) { piece in
        if count == 0, !piece.starts(with: "GGUF".utf8) { throw PackedBundleError.notABundle(path: path) }
        hash.update(piece)
        count += piece.count
        try receive(piece)
      } progress: { position in
        file.drop(done..<position)
        done = position
        try progress(position, file.bytes.count)
      }
    } catch let error as LZ4Error {
      throw PackedBundleError.damaged(path: path, error)
    }
    if let content, content.bytes != count || content.sha256 != hash.hexadecimal() {
      throw PackedBundleError.otherContent(path: path)
    }
  }

  /// - Throws: `PackedBundleError.noRoom`.
  private func checkRoom(_ bytes: Int, beside output: String) throws(PackedBundleError) {
    let directory = output.lastIndex(of: "/").map { String(output[...$0]) } ?? "."
    var info = statvfs()
    guard statvfs(directory, &info) == 0 else { return }
    let (free, overflow) = Int(clamping: info.f_bavail).multipliedReportingOverflow(by: Int(clamping: info.f_frsize))
    guard overflow || bytes <= free else { throw .noRoom(directory: directory, needed: bytes, free: free) }
  }
}

extension PackedBundle {
  /// The bundle's own file: the path itself, or what a packed bundle there is expanded to.
  /// - Throws: as `expanded`.
  package static func bundleFile(of path: String) throws -> String {
    guard let packed = try PackedBundle(path: path) else { return path }
    return try packed.expanded(in: cacheDirectory())
  }

  /// Where expanded bundles are kept: `$XDG_CACHE_HOME/dera`, or `~/.cache/dera`.
  /// - Throws: `PackedBundleError.noCache` when neither is known.
  package static func cacheDirectory() throws(PackedBundleError) -> String {
    func variable(_ name: String) -> String? {
      getenv(name).map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    guard let base = variable("XDG_CACHE_HOME") ?? variable("HOME").map({ "\($0)/.cache" }) else { throw .noCache }
    return "\(base)/dera"
  }

  /// Makes a directory and those above it.
  static func create(_ directory: String) throws(FileError) {
    var path = directory.hasPrefix("/") ? "" : "."
    for part in directory.split(separator: "/") {
      path += "/\(part)"
      if mkdir(path, 0o700) != 0 && errno != EEXIST { throw .failed(attempt: "create", path: path, code: errno) }
    }
  }
}

/// Why a packed bundle cannot be used.
package enum PackedBundleError: Error, Equatable, CustomStringConvertible {
  case damaged(path: String, LZ4Error)
  case notABundle(path: String)
  /// More bytes come than the bundle's header speaks of.
  case longerThanAnnounced(path: String, bytes: Int)
  /// The content is not what the note says.
  case otherContent(path: String)
  case noNote(path: String)
  case noRoom(directory: String, needed: Int, free: Int)
  case noCache

  package var description: String {
    switch self {
    case .damaged(let path, let error): "\(path): \(error); copy or pack it again"
    case .notABundle(let path): "\(path) holds something else than a bundle"
    case .longerThanAnnounced(let path, let bytes):
      "\(path) holds something else than the \(bytes) bytes its bundle's header speaks of; copy or pack it again"
    case .otherContent(let path): "\(path): the content is not the bundle that was packed; copy or pack it again"
    case .noNote(let path):
      "\(path) does not say which bundle it holds: another program packed it"
    case .noRoom(let directory, let needed, let free):
      "\(directory) has \(ByteSize.text(free)) free, the bundle takes \(ByteSize.text(needed)); free some space or choose another directory"
    case .noCache:
      "there is no place for expanded bundles; set XDG_CACHE_HOME or HOME, or expand the bundle first"
    }
  }
}

import DeRaCompression
import DeRaDigest
import DeRaPlatform

extension PackedBundle {
  /// The bundle it holds in a directory of such, expanded there if it is not yet: found by its content, so that it is
  /// expanded once whatever the packed file is called.
  ///
  /// A packed file that was not seen before, or has changed since, is read to its end even where its bundle is there:
  /// a damaged one must not pass for a whole one.
  /// - Parameter progress: called while expanding or checking, not at all where nothing has to be done.
  /// - Throws: as `unpack`, and `PackedBundleError.noNote`.
  package func expanded(in directory: String, progress: Progress = { _, _ in }) throws -> String {
    guard let content else { throw PackedBundleError.noNote(path: path) }
    let target = "\(directory)/\(content.sha256).dera"
    let record = "\(target).checked"
    let own = Self.stamp(path)
    var info = stat()
    if stat(target, &info) == 0, Int(info.st_size) == content.bytes {
      if let own, Self.lines(record).contains(own) { return target }
      try verify(progress: progress)
    } else {
      try Self.create(directory)
      try unpack(to: target, progress: progress)
    }
    // A record that cannot be written costs another check, no more.
    if let own { try? Self.keep(own, in: record) }
    return target
  }

  /// Expands it without writing anything, to see that it is whole.
  /// - Throws: `PackedBundleError`, and what `progress` throws.
  package func verify(progress: Progress = { _, _ in }) throws { try expand(progress: progress) { _ in } }

  /// Packed files that a record remembers.
  private static let recordLimit = 16

  /// Device, number, size and time of change: a file with the same is taken to be the same.
  private static func stamp(_ path: String) -> String? {
    var info = stat()
    guard stat(path, &info) == 0 else { return nil }
    return "\(info.st_dev) \(info.st_ino) \(info.st_size) \(info.st_mtim.tv_sec).\(info.st_mtim.tv_nsec)"
  }

  private static func lines(_ path: String) -> [String] {
    guard let file = try? MappedFile(path: path), file.bytes.count < 1 << 16 else { return [] }
    return withExtendedLifetime(file) {
      String(decoding: file.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }
  }

  private static func keep(_ stamp: String, in path: String) throws {
    let kept = (lines(path).filter { $0 != stamp } + [stamp]).suffix(recordLimit)
    let file = try AtomicFile(path: path)
    try Array(kept.map { $0 + "\n" }.joined().utf8).withUnsafeBytes { try file.write($0) }
    try file.commit()
  }
}

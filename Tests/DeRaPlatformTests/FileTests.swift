import DeRaPlatform
import DeRaTestSupport
import Testing

/// Mapped files and files written atomically.
struct FileTests {
  @Test func mappedBytesAreTheFiles() throws {
    let directory = try TemporaryDirectory()
    let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
    let file = try MappedFile(path: directory.write("file", bytes))
    #expect(file.bytes.elementsEqual(bytes))
    file.drop(0..<bytes.count)
    file.drop(5_000..<5_001)
    file.drop(-5..<20_000)
    #expect(file.bytes.elementsEqual(bytes))
  }

  /// A name that is a link stands for the file it leads to, which may not be there yet.
  @Test(arguments: [true, false]) func linksAreFollowed(exists: Bool) throws {
    let directory = try TemporaryDirectory()
    mkdir("\(directory.path)/real", 0o700)
    let target = exists ? try directory.write("real/file", [1]) : "\(directory.path)/real/file"
    #expect(symlink("real/file", "\(directory.path)/second") == 0)
    #expect(symlink("\(directory.path)/second", "\(directory.path)/link") == 0)
    let file = try AtomicFile(path: "\(directory.path)/link")
    try [UInt8(7), 8].withUnsafeBytes { try file.write($0) }
    try file.commit()
    var info = stat()
    #expect(lstat("\(directory.path)/link", &info) == 0 && info.st_mode & S_IFMT == S_IFLNK)
    #expect(try MappedFile(path: target).bytes.count == 2)
  }

  @Test func emptyFileIsMapped() throws {
    let directory = try TemporaryDirectory()
    let file = try MappedFile(path: directory.write("empty", []))
    #expect(file.bytes.isEmpty)
    file.drop(0..<0)
  }

  @Test func missingFileNamesItself() throws {
    let error = #expect(throws: FileError.self) { _ = try MappedFile(path: "/nonexistent/model.gguf") }
    #expect(error == .failed(attempt: "open", path: "/nonexistent/model.gguf", code: ENOENT))
    #expect(error?.description.contains("/nonexistent/model.gguf") == true)
  }

  @Test func directoriesAndPipesAreNoFiles() throws {
    let directory = try TemporaryDirectory()
    #expect(throws: FileError.directory(path: directory.path)) { _ = try MappedFile(path: directory.path) }
    #expect(throws: FileError.directory(path: directory.path)) { _ = try MappedFile(text: directory.path) }
    let pipe = directory.path + "/pipe"
    #expect(mkfifo(pipe, 0o600) == 0)
    #expect(throws: FileError.notARegularFile(path: pipe)) { _ = try MappedFile(path: pipe) }
    #expect(throws: FileError.directory(path: directory.path)) { _ = try AtomicFile(path: directory.path) }
  }

  /// A pipe as a shell's `<(command)` hands it over.
  @Test(arguments: ["", "one line\n", String(repeating: "long", count: 100_000)]) func textsComeFromPipes(text: String)
    throws
  {
    var ends: [Int32] = [-1, -1]
    #expect(pipe(&ends) == 0)
    let (reading, writing) = (ends[0], ends[1])
    // Room for the whole text, so that nobody has to read while it is written (F_SETPIPE_SZ).
    #expect(fcntl(writing, 1031, 1 << 20) >= text.utf8.count)
    let bytes = Array(text.utf8)
    #expect(bytes.withUnsafeBytes { write(writing, $0.baseAddress, $0.count) } == bytes.count)
    close(writing)
    let file = try MappedFile(text: "/dev/fd/\(reading)")
    #expect(withExtendedLifetime(file) { String(decoding: file.bytes, as: UTF8.self) } == text)
    close(reading)
  }

  @Test(
    arguments: [
      ([], nil), ([0x61, 0xCE, 0xBB], nil), ([0x61, 0xCE, 0xBB, 0xFF, 0x61], 3), ([0x80], 0), ([0x61, 0xE2, 0x82], 1),
      ([0xED, 0xA0, 0x80], 0),
    ] as [([UInt8], Int?)]) func textsAreUTF8(bytes: [UInt8], position: Int?) throws
  {
    guard let position else {
      #expect(try utf8Text(bytes, path: "x") == String(decoding: bytes, as: UTF8.self))
      return
    }
    #expect(throws: FileError.notText(path: "x", position: position)) { try utf8Text(bytes, path: "x") }
  }

  @Test func outputDoesNotGoToADash() {
    #expect(throws: FileError.dash) { _ = try AtomicFile(path: "-") }
  }

  @Test func endlessTextsAreRefused() throws {
    #expect(throws: FileError.tooLong(path: "/dev/zero", limit: 100_000)) {
      _ = try MappedFile(text: "/dev/zero", limit: 100_000)
    }
  }

  @Test func committedFileReplacesTheOldOne() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("target", [1, 2, 3])
    let file = try AtomicFile(path: path)
    try file.write([9, 8])
    #expect(try contents(path) == [1, 2, 3])
    try file.commit()
    #expect(try contents(path) == [9, 8])
    #expect(directory.files == ["target"])
    file.cancel()
    #expect(directory.files == ["target"])
  }

  @Test func piecesOfEverySizeArriveInOrder() throws {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/target"
    let file = try AtomicFile(path: path)
    var expected: [UInt8] = []
    for (index, size) in [1, 1_000_000, 100_000, 0, 3 << 20, 7, (1 << 20) - 7, 1 << 20, 5].enumerated() {
      let piece = [UInt8](repeating: UInt8(index), count: size)
      try file.write(piece)
      expected += piece
      #expect(file.position == expected.count)
    }
    try file.overwrite([77, 78, 79], at: 999_999)
    expected.replaceSubrange(999_999..<1_000_002, with: [77, 78, 79])
    #expect(throws: FileError.self) { try file.overwrite([1, 2], at: expected.count - 1) }
    #expect(throws: FileError.self) { try file.overwrite([1], at: -1) }
    try file.commit()
    #expect(try contents(path) == expected)
  }

  @Test func cancelAndDeinitLeaveNothing() throws {
    let directory = try TemporaryDirectory()
    let file = try AtomicFile(path: directory.path + "/target")
    try file.write([1])
    file.cancel()
    #expect(directory.files.isEmpty)
    #expect(throws: FileError.self) { try file.write([2]) }
    #expect(throws: FileError.self) { try file.commit() }
    do {
      let forgotten = try AtomicFile(path: directory.path + "/target")
      try forgotten.write([1])
    }
    #expect(directory.files.isEmpty)
  }

  @Test func directoryThatTakesNoFiles() {
    for path in ["/nonexistent/target", "/dev/null/target", "/proc/target"] {
      #expect(throws: FileError.self) { _ = try AtomicFile(path: path) }
    }
  }

  @Test(.enabled(if: geteuid() != 0, "the superuser may write everywhere")) func unwritableDirectory() throws {
    let directory = try TemporaryDirectory()
    chmod(directory.path, 0o500)
    let error = #expect(throws: FileError.self) { _ = try AtomicFile(path: directory.path + "/target") }
    guard case .failed(_, _, EACCES) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func directoryThatDisappears() throws {
    let directory = try TemporaryDirectory()
    let moved = directory.path + "-moved"
    let file = try AtomicFile(path: directory.path + "/target")
    try file.write([1])
    #expect(rename(directory.path, moved) == 0)
    let error = #expect(throws: FileError.self) { try file.commit() }
    guard case .failed(_, _, ENOENT) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(rename(moved, directory.path) == 0)
  }
}

/// The bytes of a file.
private func contents(_ path: String) throws -> [UInt8] {
  let file = try MappedFile(path: path)
  return withExtendedLifetime(file) { Array(file.bytes) }
}

extension AtomicFile {
  fileprivate func write(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { try write($0) }
  }

  fileprivate func overwrite(_ bytes: [UInt8], at offset: Int) throws {
    try bytes.withUnsafeBytes { try overwrite($0, at: offset) }
  }
}

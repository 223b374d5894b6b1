import DeRaPlatform
import DeRaTestSupport
import Testing

@Suite struct AtomicFileTests {
  private func write(_ text: String, to file: AtomicFile) throws {
    try Array(text.utf8).withUnsafeBytes { try file.write($0) }
  }

  private func text(_ path: String) throws -> String {
    let file = try MappedFile(path: path)
    return withExtendedLifetime(file) { String(decoding: file.bytes, as: UTF8.self) }
  }

  @Test("nothing stands in the directory before the file is complete, and nothing else afterwards")
  func names() throws {
    let directory = try TemporaryDirectory()
    let path = "\(directory.path)/result"
    let file = try AtomicFile(path: path)
    try write("one", to: file)
    #expect(directory.files.isEmpty)
    try file.commit { temporaryPath in
      let content = try text(temporaryPath)
      #expect(content == "one")
    }
    #expect(directory.files == ["result"])
  }

  @Test("what a killed writer left beside the target is in nobody's way")
  func leftovers() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("result", "old")
    _ = try directory.write("result.part", "half")
    let file = try AtomicFile(path: path)
    try write("new", to: file)
    try file.commit()
    #expect(directory.files == ["result"])
    #expect(try text(path) == "new")
  }

  @Test("a symbolic link stays one, its target is replaced")
  func links() throws {
    let directory = try TemporaryDirectory()
    let target = try directory.write("target", "old")
    let link = "\(directory.path)/link"
    #expect(symlink(target, link) == 0)
    let file = try AtomicFile(path: link)
    try write("new", to: file)
    try file.commit()
    #expect(try text(target) == "new")
    var info = stat()
    #expect(lstat(link, &info) == 0 && info.st_mode & S_IFMT == S_IFLNK)
  }

  @Test("two writers of one file: the last to finish wins, and the file is whole")
  func two() throws {
    let directory = try TemporaryDirectory()
    let path = "\(directory.path)/result"
    let files = try [AtomicFile(path: path), AtomicFile(path: path)]
    for (file, content) in zip(files, ["first", "second"]) { try write(content, to: file) }
    for file in files { try file.commit() }
    #expect(try text(path) == "second")
    #expect(directory.files == ["result"])
  }

  @Test("writing into a mapped file is noticed, replacing it is not")
  func changes() throws {
    let directory = try TemporaryDirectory()
    let path = try directory.write("mapped", "content")
    let file = try MappedFile(path: path)
    try file.checkUnchanged()
    let other = try directory.write("other", "another")
    #expect(rename(other, path) == 0)
    try file.checkUnchanged()
    let replaced = try MappedFile(path: path)
    let descriptor = open(path, O_WRONLY | O_APPEND)
    #expect(Glibc.write(descriptor, "!", 1) == 1)
    close(descriptor)
    #expect(throws: FileError.changed(path: path)) { try replaced.checkUnchanged() }
    unlink(path)
    try replaced.checkUnchanged()
  }
}

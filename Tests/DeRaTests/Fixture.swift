import FoundationEssentials

/// Where a file of Tests/Fixtures is.
func fixture(_ name: String, from file: String = #filePath) -> URL {
  URL(filePath: file).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fixtures/\(name)")
}

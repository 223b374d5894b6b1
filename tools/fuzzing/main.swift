import DeRaPlatform

/// libFuzzer's own main: calls `read` with one input after another, and again with those that reach new code changed.
@_silgen_name("LLVMFuzzerRunDriver")
private func search(
  _ count: inout CInt, _ arguments: inout UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>,
  _ read: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

guard Reader.chosen != nil else {
  print(Reader.all.map(\.name).joined(separator: " "))
  exit(0)
}
private var count = CommandLine.argc
private var arguments = CommandLine.unsafeArgv
exit(
  search(&count, &arguments) { bytes, count in
    try? Reader.chosen?.read(UnsafeRawBufferPointer(start: bytes, count: count))
    return 0
  })

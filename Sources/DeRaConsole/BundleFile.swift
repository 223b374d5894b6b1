import ArgumentParser
import DeRa
import DeRaText

/// Which bundle.
package struct BundleArgument: ParsableArguments {
  @Argument(help: "The model bundle, a .dera or .dera.lz4 file.", completion: .file(extensions: ["dera", "lz4"]))
  package var bundle: String

  package init() {}

  package func open() throws -> ModelBundle { try openBundle(bundle) }
}

/// Opens a bundle, or expands a packed one first where it has not been yet.
package func openBundle(_ path: String) throws -> ModelBundle {
  guard let packed = try? PackedBundle(path: path) else { return try ModelBundle(mapping: path) }
  let directory = try PackedBundle.cacheDirectory()
  var isNew = false
  let expanded = try withProgress("expanding") { progress in
    try packed.expanded(in: directory) { done, total in
      isNew = true
      try progress(done, total)
    }
  }
  if isNew { Output.note("Expanded \(path) to \(expanded), where it is kept.") }
  return try ModelBundle(mapping: expanded)
}

/// Shows how far a job over bytes is; Ctrl-C ends it.
package func withProgress<Result>(_ name: String, _ body: (PackedBundle.Progress) throws -> Result) throws -> Result {
  var line: ProgressLine?
  return try Interrupt.during {
    defer { line?.clear() }
    return try body { done, total in
      if Interrupt.isRequested { throw Interrupted() }
      let progress = line ?? ProgressLine(total: total)
      line = progress
      let percent = total == 0 ? 100 : Int(Double(done) / Double(total) * 100)
      progress.update(done, "\(name) \(percent) % of \(byteText(total))")
    }
  }
}

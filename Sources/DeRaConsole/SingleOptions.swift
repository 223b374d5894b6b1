import ArgumentParser
import DeRaJSON

/// The options of a command that take one value. The parser keeps the last of several in silence.
package struct SingleOptions {
  /// The usual name of each by all its names, as they are typed.
  private var names: [String: String] = [:]
  /// All names that the next argument is the value of.
  private var takesValue: Set<String> = []

  /// Reads the parser's own description of the command.
  package init(_ command: any ParsableCommand.Type) {
    let description = try? JSON.parse(command._dumpHelp())
    for argument in description?["command"]?["arguments"]?.array ?? [] where argument["kind"] == "option" {
      let typed = (argument["names"]?.array ?? []).compactMap(Self.typed)
      takesValue.formUnion(typed)
      if argument["isRepeating"] == true { continue }
      for name in typed { names[name] = argument["preferredName"].flatMap(Self.typed) ?? name }
    }
  }

  private static func typed(_ name: JSON) -> String? {
    name["name"]?.string.map { (name["kind"] == "long" ? "--" : "-") + $0 }
  }

  /// The first option that stands twice.
  /// - Parameter arguments: those that the command was parsed from, without mistakes.
  package func repeated(in arguments: [String]) -> String? {
    var seen: Set<String> = []
    var rest = arguments[...]
    while let argument = rest.popFirst(), argument != "--" {
      guard argument.hasPrefix("-"), argument.count > 1 else { continue }
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      // Several letters behind one dash are an option each.
      let typed = argument.hasPrefix("--") ? [String(parts[0])] : parts[0].dropFirst().map { "-\($0)" }
      for name in typed {
        if let usual = names[name], !seen.insert(usual).inserted { return usual }
        if takesValue.contains(name), parts.count == 1 { _ = rest.popFirst() }
      }
    }
    return nil
  }
}

/// Options of `dera serve` that the environment gives: `DERA_CORS_ORIGINS` is `--cors-origins`.
package enum ServeEnvironment {
  /// The process's arguments with what the environment adds: options that they do not have.
  package static func arguments(_ given: [String], environment: [String: String]) -> [String] {
    var result = given
    for option in options {
      let name = "--" + option.name
      guard let value = environment[variable(option.name)], !value.isEmpty,
        !given.contains(where: { $0 == name || $0.hasPrefix(name + "=") })
      else { continue }
      if option.isFlag {
        if !["0", "false", "no"].contains(value.lowercased()) { result.append(name) }
      } else if option.isRepeated {
        result += value.split(separator: ";").map { "\(name)=\($0)" }
      } else {
        result.append("\(name)=\(value)")
      }
    }
    return result
  }

  package static func variable(_ name: String) -> String {
    "DERA_" + name.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
  }

  /// The command's own options, as its help lists them.
  package static var options: [(name: String, isFlag: Bool, isRepeated: Bool)] {
    ServeCommand.helpMessage(columns: 1000).split(separator: "\n").compactMap { line in
      guard line.hasPrefix("  -"), let start = line.ranges(of: "--").first else { return nil }
      let name = line[start.upperBound...].prefix { $0.isLetter || $0 == "-" }
      if name == "version" || name == "help" { return nil }
      let rest = line[start.upperBound...].dropFirst(name.count)
      return (String(name), !rest.hasPrefix(" <"), line.contains("Repeatable."))
    }
  }
}

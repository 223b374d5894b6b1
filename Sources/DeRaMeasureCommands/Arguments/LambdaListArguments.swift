import ArgumentParser
import DeRa
import DeRaCommands

/// Several λ.
struct LambdaListArgument: ParsableArguments {
  @Option(
    name: .customLong("lambda"), parsing: .unconditionalSingleValue, help: Self.help(usual: Points.usual))
  var texts: [String] = []

  /// The points in the order given, each once.
  /// - Parameter hasReferencePrompt: λ may be the prompt's.
  func realignments(for bundle: ModelBundle, hasReferencePrompt: Bool = false) throws -> [Realignment] {
    try Points(texts, models: bundle.alignedModels, hasReferencePrompt: hasReferencePrompt).points
  }

  static func help(usual: String) -> ArgumentHelp {
    ArgumentHelp(
      """
      A point of λ: a number, for several models 0.5,0.3 or brief=0.5,happy=0.3. For more points repeat the option, \
      separate them with semicolons ('0;0.5;1') or give a range from:to:step (0:3:0.5). (default: \(usual))
      """, valueName: "λ")
  }
}

/// Several λ of a frontier, which are read once a bundle is made.
struct FrontierLambdaArgument: ParsableArguments {
  private static let usual = "0;0.5;1;2"

  @Option(
    name: .customLong("lambda"), parsing: .unconditionalSingleValue, help: LambdaListArgument.help(usual: Self.usual))
  var texts: [String] = []

  /// All points as one text.
  var list: String { texts.isEmpty ? Self.usual : texts.joined(separator: ";") }

  /// Finds what is wrong whatever the models will be called.
  /// - Parameter models: the aligned models as they are given, `NAME=PATH` or `PATH`.
  /// - Throws: `RealignmentError`.
  func check(_ models: [String]) throws(RealignmentError) {
    let names = models.map { String($0.prefix { $0 != "=" }) }
    do {
      _ = try Realignment.parsePoints(list, models: names)
    } catch .unknownModel where !models.allSatisfy({ $0.contains("=") }) {
      // The converter names it by its path.
    }
  }
}

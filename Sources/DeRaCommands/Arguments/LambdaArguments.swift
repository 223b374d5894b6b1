import ArgumentParser
import DeRa
import DeRaConsole
import DeRaText

/// λ of one answer.
package struct LambdaArgument: ParsableArguments {
  @Option(
    name: .customLong("lambda"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      """
      Alignment strength, any number: 0 is the reference, 1 the (first) aligned model. For several models 0.5,0.3 in the \
      bundle's order, or brief=0.5,happy=0.3. (default: 1)
      """,
      valueName: "λ"))
  var texts: [String] = []

  package init() {}

  /// - Parameter hasReferencePrompt: λ may be the prompt's.
  package func realignment(for bundle: ModelBundle, hasReferencePrompt: Bool = false) throws -> Realignment {
    try realignment(models: bundle.alignedModels, hasReferencePrompt: hasReferencePrompt)
  }

  /// - Parameter models: names of the aligned models.
  func realignment(models: [String], hasReferencePrompt: Bool) throws -> Realignment {
    let points = try Points(texts, models: models, hasReferencePrompt: hasReferencePrompt).points
    guard points.count == 1 else {
      throw refuse("--lambda", "\(points.count) points, and an answer has one; /compare of dera chat takes several")
    }
    return points[0]
  }
}

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

/// The points that texts stand for, each once; repetitions are told.
struct Points {
  static let usual = "1"
  let points: [Realignment]

  /// - Parameters:
  ///   - models: names of the aligned models.
  ///   - hasReferencePrompt: λ may be the prompt's.
  /// - Throws: `ExitCode` once the error is told.
  init(_ texts: [String], models: [String], hasReferencePrompt: Bool = false) throws {
    // A bundle of one model has nothing to realign; the default must not be an error there.
    if texts.isEmpty && models.isEmpty {
      points = [Realignment(lambdas: [])]
      return
    }
    do throws(RealignmentError) {
      var all: [Realignment] = []
      for text in texts.isEmpty ? [Self.usual] : texts {
        all += try Realignment.parsePoints(text, models: models, hasReferencePrompt: hasReferencePrompt)
      }
      let (points, repeated) = all.folded
      self.points = points
      if !repeated.isEmpty {
        Output.note(Self.note(repeated, models: models, hasReferencePrompt: hasReferencePrompt))
      }
      for (range, last) in texts.flatMap(Realignment.openRanges) {
        let end = last == last.rounded() ? shortest(Double(last)) : "\(last)"
        Output.note("The range \(range) stops at \(end): no step falls on its end.")
      }
    } catch .tooMany(let text, let models) {
      let separate = text.split(separator: ",").map { "--lambda \($0)" }.joined(separator: " ")
      throw refuse("--lambda", "\(RealignmentError.tooMany(text, models: models)) in quotes, or \(separate)")
    } catch .noAlignedModels(let text) {
      throw refuse("--lambda", "\(RealignmentError.noAlignedModels(text)); leave out --lambda")
    } catch {
      throw refuse("--lambda", "\(error)")
    }
  }

  /// The line about points that were given again.
  static func note(_ repeated: [Realignment], models: [String], hasReferencePrompt: Bool = false) -> String {
    let names = repeated.folded.points.map { $0.description(models: models, hasReferencePrompt: hasReferencePrompt) }
    return "λ = \(names.joined(separator: " and ")) is given more than once and taken once."
  }
}

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
  package var texts: [String] = []

  package init() {}

  /// - Parameter hasReferencePrompt: λ may be the prompt's.
  package func realignment(for bundle: ModelBundle, hasReferencePrompt: Bool = false) throws -> Realignment {
    try realignment(models: bundle.alignedModels, hasReferencePrompt: hasReferencePrompt)
  }

  /// - Parameter models: names of the aligned models.
  package func realignment(models: [String], hasReferencePrompt: Bool) throws -> Realignment {
    let points = try Points(texts, models: models, hasReferencePrompt: hasReferencePrompt).points
    guard points.count == 1 else {
      throw refuse("--lambda", "\(points.count) points, and an answer has one; /compare of dera chat takes several")
    }
    return points[0]
  }
}

/// The points that texts stand for, each once; repetitions are told.
package struct Points {
  package static let usual = "1"
  package let points: [Realignment]

  /// - Parameters:
  ///   - models: names of the aligned models.
  ///   - hasReferencePrompt: λ may be the prompt's.
  /// - Throws: `ExitCode` once the error is told.
  package init(_ texts: [String], models: [String], hasReferencePrompt: Bool = false) throws {
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
  package static func note(_ repeated: [Realignment], models: [String], hasReferencePrompt: Bool = false) -> String {
    let names = repeated.folded.points.map { $0.description(models: models, hasReferencePrompt: hasReferencePrompt) }
    return "λ = \(names.joined(separator: " and ")) is given more than once and taken once."
  }
}

import ArgumentParser
import DeRa

/// Several quantities that λ blends, to be compared.
struct BlendListArgument: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What λ blends: logits, weights (one model runs, which is faster and cruder), or logits,weights.",
      valueName: "list"))
  var blend = Blend.logits.rawValue

  func validate() throws { _ = try blends() }

  /// - Throws: `ValidationError` for a word that is no `Blend`.
  func blends() throws -> [Blend] {
    let blends = blend.split(separator: ",", omittingEmptySubsequences: false).map { Blend(rawValue: String($0)) }
    guard !blends.contains(nil), Set(blends).count == blends.count else {
      throw ValidationError("--blend takes logits, weights or logits,weights, not '\(blend)'")
    }
    return blends.compactMap(\.self)
  }
}

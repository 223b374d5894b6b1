import DeRaTransformer

/// How strongly each aligned model acts: the λ of `h = (1 − Σ λᵢ) h_ref + Σ λᵢ h_aᵢ` (arXiv 2402.02992, section 3).
///
/// Any finite number is allowed: 0 is the reference model, 1 the aligned one, above 1 extrapolates, below 0 turns away.
package struct Realignment: Sendable, Hashable {
  /// `[aligned models]`, in the bundle's order; the reference gets what is left of 1.
  package var lambdas: [Float] {
    didSet { referenceWeight = Float(ReferenceShare.of(lambdas)) }
  }
  /// Weight of the reference model's logits, 1 − Σ λ as `ReferenceShare` counts it.
  package private(set) var referenceWeight: Float
  /// λ of the prompt against a reference prompt: what the models say after each of them, blended as above, is blended once
  /// more, `(1 − λ) h(reference prompt) + λ h(prompt)`. 1, the plain prompt, where there is no other.
  package var prompt: Float {
    didSet { referencePromptWeight = Float(ReferenceShare.of(CollectionOfOne(prompt))) }
  }
  /// Weight of what is said after the reference prompt, 1 − λ of the prompt.
  private(set) var referencePromptWeight: Float

  package init(lambdas: [Float], prompt: Float = 1) {
    self.lambdas = lambdas
    self.prompt = prompt
    referenceWeight = Float(ReferenceShare.of(lambdas))
    referencePromptWeight = prompt == 1 ? 0 : Float(ReferenceShare.of(CollectionOfOne(prompt)))
  }

  /// The name of the prompt's λ beside the aligned models' names.
  package static let promptName = "prompt"

  /// λ of the first aligned model; further ones get 0.
  /// - Parameter models: number of aligned models.
  package init(_ lambda: Float, models: Int) {
    self.init(lambdas: (0..<max(models, 0)).map { $0 == 0 ? lambda : 0 })
  }

  /// `[1 + aligned models]`: the weight of every model's logits, reference first. Models of weight 0 need not run.
  package var weights: [Float] { [referenceWeight] + lambdas }

  /// Whether a model's weights are read, 0 for the reference. A blend of weights reads the reference's for what models share
  /// unless one model is left.
  func reads(_ model: Int, _ blend: Blend) -> Bool {
    if model > 0 { return lambdas[model - 1] != 0 }
    return referenceWeight != 0 || blend == .weights && lambdas.count(where: { $0 != 0 }) > 1
  }

  /// The models whose weights are read.
  func modelsRead(_ blend: Blend) -> Set<Int> { Set((0...lambdas.count).filter { reads($0, blend) }) }

  /// Reads `0.5`, `0.5,0.3` (bundle order; missing ones are 0) or `brief=0.5,happy=0.3` (those not named are 0).
  /// - Parameter models: names of the aligned models, in the bundle's order.
  /// - Parameter hasReferencePrompt: `prompt=1.5`, or a last number, is the λ of two prompts; 1 if it is not given.
  package static func parse(
    _ text: String, models: [String], hasReferencePrompt: Bool = false
  ) throws(RealignmentError) -> Realignment {
    let aligned = models.count
    let models = models + (hasReferencePrompt ? [promptName] : [])
    var lambdas = [Float](repeating: 0, count: aligned) + (hasReferencePrompt ? [1] : [])
    var named: Set<Int> = []
    for (position, part) in text.split(separator: ",", omittingEmptySubsequences: false).enumerated() {
      let equals = part.lastIndex(of: "=")
      let value = try number(equals.map { part[part.index(after: $0)...] } ?? part)
      guard let equals else {
        guard named.isEmpty else { throw .mixed(text) }
        if models.isEmpty && value == 0 && position == 0 { continue }
        if models.isEmpty { throw .noAlignedModels(text) }
        guard position < models.count else { throw .tooMany(text, models: models) }
        lambdas[position] = value
        continue
      }
      let name = trimmed(part[..<equals])
      if models.isEmpty { throw .noAlignedModels(text) }
      guard let index = models.firstIndex(of: name) else { throw .unknownModel(name, models: models) }
      guard named.count == position else { throw .mixed(text) }
      guard named.insert(index).inserted else { throw .repeated(name) }
      lambdas[index] = value
    }
    return Realignment(
      lambdas: Array(lambdas[..<aligned]), prompt: hasReferencePrompt ? lambdas[aligned] : 1)
  }

  /// The reference alone, after the reference prompt where there is one.
  package static func nothing(models: Int, hasReferencePrompt: Bool) -> Realignment {
    Realignment(lambdas: [Float](repeating: 0, count: models), prompt: hasReferencePrompt ? 0 : 1)
  }

  /// `0.5` with one aligned model, `brief=0.5,happy=0` with several.
  /// - Parameter hasReferencePrompt: λ of the prompt is named even where it is 1.
  package func description(models: [String], hasReferencePrompt: Bool = false) -> String {
    let hasPrompt = hasReferencePrompt || prompt != 1
    let numbers = (lambdas + (hasPrompt ? [prompt] : [])).map {
      $0 == $0.rounded() && abs($0) < 1e6 ? "\(Int($0))" : "\($0)"
    }
    guard numbers.count > 1 else { return numbers.first ?? "0" }
    return zip(models + (hasPrompt ? [Self.promptName] : []), numbers).map { "\($0)=\($1)" }.joined(separator: ",")
  }

  private static func number(_ text: Substring) throws(RealignmentError) -> Float {
    guard let value = Float(trimmed(text)), value.isFinite else { throw .notANumber(String(text)) }
    return value
  }

  private static func trimmed(_ text: Substring) -> String {
    let blank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    return String(String(text.drop(while: blank).reversed().drop(while: blank)).reversed())
  }
}

/// The quantity that λ blends: logits or weights.
public enum Blend: String, Sendable, CaseIterable, Codable {
  /// The models' logits: decoding-time realignment. Every model that λ uses is run, with a KV cache of its own.
  case logits
  /// Their weights, W_ref + Σ λᵢ·(Wᵢ − W_ref): one model is run, with one cache, which a new λ makes useless. Cheaper and
  /// cruder; the same where λ leaves one model.
  case weights
}

/// Why a λ could not be read.
package enum RealignmentError: Error, Equatable, CustomStringConvertible {
  case notANumber(String)
  case tooMany(String, models: [String])
  case unknownModel(String, models: [String])
  case repeated(String)
  case mixed(String)
  /// λ for a bundle of the reference alone.
  case noAlignedModels(String)
  case badRange(String)
  /// A point with more than one range.
  case severalRanges(String)
  case tooManyPoints(limit: Int)

  package var description: String {
    switch self {
    case .notANumber(let text):
      Double(text)?.isFinite == true
        ? "λ is at most \(Float.greatestFiniteMagnitude) either way, so '\(text)' is not one"
        : "λ must be a finite number, not '\(text)'"
    case .tooMany(let text, let models):
      "'\(text)' is one point with more λ than the bundle has aligned models (\(Self.list(models))); several points "
        + "are separated by semicolons: '\(text.replacing(",", with: ";"))'"
    case .unknownModel(let name, let models):
      "the bundle has no aligned model '\(name)'; it has \(Self.list(models))"
    case .repeated(let name): "λ of '\(name)' is given twice"
    case .mixed(let text): "'\(text)' mixes named and unnamed λ; use one form, such as brief=0.5,happy=0.3"
    case .noAlignedModels(let text):
      "the bundle has one model and nothing to realign it to, so it takes no λ ('\(text)')"
    case .badRange(let text): "'\(text)' is not a range of λ; write from:to:step, such as 0:3:0.5"
    case .severalRanges(let text):
      "the point '\(text)' has several ranges of λ; give one of its models a range and the others a number"
    case .tooManyPoints(let limit): "the list has more than \(limit) points of λ; use larger steps"
    }
  }

  private static func list(_ models: [String]) -> String {
    models.isEmpty ? "none" : models.joined(separator: ", ")
  }
}

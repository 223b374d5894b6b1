import DeRaBundle
import DeRaModelSpec
import DeRaText

/// Why checkpoints cannot become a bundle, and what to do.
package enum ConversionError: Error, Equatable, CustomStringConvertible {
  /// The models differ in a field that the blend of their logits needs to be equal.
  case incompatible(field: String, reference: String, aligned: String, model: String)
  /// A token id means different things to the models.
  case vocabulary(id: Int, reference: String, aligned: String, model: String)
  /// A model has fewer embedding rows than there are tokens.
  case tooFewRows(rows: Int, tokens: Int, model: String)
  /// Weights that are no numbers, where those are refused.
  case nonFinite(tensor: String, model: String, count: Int)
  case badName(String)
  case duplicateName(String)
  case tooManyModels(Int)
  /// Writing the bundle would destroy what it is made of.
  case outputIsInput(path: String)
  case missingTensor(String, model: String)
  /// No matrix fits a pattern.
  case noSuchTensor(String)
  case noSuchModel(String, aligned: [String])
  /// Even the smallest form of the models takes more.
  case budgetTooSmall(budget: Int, least: Int)
  /// The runtime would not open the finished bundle; the text says why.
  case unreadable(String)
  /// The chat template cannot be used; the text says why and on which line.
  case chatTemplate(String)

  /// The models differ in tokens that some of them do not have, and that could be left out.
  package var isAboutMissingTokens: Bool {
    guard case .vocabulary(_, let reference, let aligned, _) = self else { return false }
    return [reference, aligned].contains(Vocabulary.absent)
  }

  package var description: String {
    switch self {
    case .incompatible(let field, let reference, let aligned, let model):
      "\(model) cannot be blended with the reference: \(field) is \(reference) in the reference and \(aligned) in "
        + "\(model); give an aligned model that was trained from this reference"
    case .vocabulary(let id, let reference, let aligned, let model):
      "\(model) cannot be blended with the reference: token \(id) is \(reference) in the reference and \(aligned) in "
        + "\(model); both models must use the same vocabulary"
    case .tooFewRows(let rows, let tokens, let model):
      "the embedding table of \(model) has \(rows) rows, but the tokenizer has \(tokens) tokens; "
        + "the tokenizer files do not belong to these weights"
    case .nonFinite(let tensor, let model, let count):
      "\(count) weights of \(tensor) of \(model) are NaN or infinite; repair the checkpoint"
    case .badName(let name):
      "\"\(name)\" cannot be the name of a model; use \(ModelName.rule)"
    case .duplicateName(let name):
      "two models are called \(name); give them different names"
    case .tooManyModels(let count):
      "\(count) models are too many for one bundle; it holds at most \(BundleManifest.modelLimit)"
    case .outputIsInput(let path):
      "the output \(path) is one of the input files; choose another name"
    case .chatTemplate(let error):
      "\(error); repair the checkpoint's chat template or remove it"
    case .unreadable(let error):
      "the bundle is complete but could not be used (\(error)); the checkpoint has something that the runtime does not "
        + "support. Nothing was written"
    case .noSuchTensor(let pattern):
      "no matrix of these models is called \"\(pattern)\"; their names are such as \(ModelTensor.query.name(layer: 0))"
    case .noSuchModel(let name, let aligned):
      "there is no aligned model \(name); the names are \(aligned.isEmpty ? "none" : aligned.joined(separator: ", "))"
    case .budgetTooSmall(let budget, let least):
      "\(byteText(budget)) cannot hold these models: the least they take is \(least) bytes "
        + "(\(megabytes(least)) MB)"
    case .missingTensor(let tensor, let model):
      "\(model) has no tensor \(tensor); the checkpoint does not fit its configuration"
    }
  }
}

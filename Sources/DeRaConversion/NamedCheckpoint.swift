import DeRaBundle
import DeRaCheckpoints
import DeRaModelSpec

/// A checkpoint and the name it has in the bundle.
package struct NamedCheckpoint: Sendable {
  package var name: String
  package var checkpoint: Checkpoint

  package init(name: String, checkpoint: Checkpoint) {
    self.name = name
    self.checkpoint = checkpoint
  }

  /// Opens models given in the order of a command line, the reference first. An adapter is opened on the reference.
  /// - Throws: `CheckpointError` naming the file and what is wrong in it.
  package static func open(_ arguments: [ModelArgument]) throws(CheckpointError) -> [NamedCheckpoint] {
    var models: [NamedCheckpoint] = []
    for (argument, name) in zip(arguments, ModelArgument.names(arguments)) {
      let checkpoint: Checkpoint
      if let reference = models.first, Checkpoint.isAdapter(path: argument.path) {
        checkpoint = try Checkpoint.open(adapter: argument.path, on: reference.checkpoint)
      } else {
        checkpoint = try Checkpoint.open(path: argument.path)
      }
      models.append(NamedCheckpoint(name: name, checkpoint: checkpoint))
    }
    return models
  }

  /// The weights of a tensor; a tied output matrix is the embedding table.
  /// - Throws: `ConversionError.missingTensor`.
  func source(_ tensor: String) throws(ConversionError) -> any TensorSource {
    if let source = checkpoint.tensors[tensor] { return source }
    if tensor == ModelTensor.output.name, let embedding = checkpoint.tensors[ModelTensor.embedding.name] {
      return embedding
    }
    throw .missingTensor(tensor, model: name)
  }
}

/// A model as the command line gives it: `PATH` or `NAME=PATH`.
package struct ModelArgument: Sendable, Equatable {
  /// nil when the name is to be taken from the path.
  package let name: String?
  package let path: String

  /// The text before the first `=` is a name if it can be one; a path with `=` in it needs a name or a leading `./`.
  package init(_ text: String) {
    if let equals = text.firstIndex(of: "="), ModelName.isValid(String(text[..<equals])) {
      name = String(text[..<equals])
      path = String(text[text.index(after: equals)...])
    } else {
      name = nil
      path = text
    }
  }

  /// Names for models that were given in this order: those given stay, the others are the last part of the path without
  /// `.gguf`, numbered where two would be the same.
  ///
  /// The first, which is the reference, keeps the name of its path even if another model is given that name, so that
  /// the clash is refused instead of the names changing places.
  package static func names(_ arguments: [ModelArgument]) -> [String] {
    var taken = Set(arguments.compactMap(\.name))
    return arguments.enumerated().map { index, argument in
      if let name = argument.name { return name }
      let stem = stem(of: argument.path)
      let candidates = [stem] + (2...arguments.count + 1).map { "\(stem)-\($0)" }
      let name = (index == 0 ? nil : candidates.first { !taken.contains($0) }) ?? stem
      taken.insert(name)
      return name
    }
  }

  private static func stem(of path: String) -> String {
    var last = path.split(separator: "/").last { $0 != "." && $0 != ".." } ?? ""
    if last.hasSuffix(".gguf") { last = last.dropLast(5) }
    let characters = last.utf8.map { ModelName.isAllowed($0) ? $0 : UInt8(ascii: "-") }.prefix(60)
    return characters.isEmpty ? "model" : String(decoding: characters, as: UTF8.self)
  }
}

/// The safetensors files of a model directory as one set of tensors: `model.safetensors`, or the shards that
/// `model.safetensors.index.json` lists.
///
/// Where index and shards disagree the shards count, as in transformers; `remarks` says so. A tensor that is nowhere is
/// missed only where the model needs it.
struct SafetensorsFiles: Sendable {
  static let singleName = "model.safetensors"
  static let indexName = "model.safetensors.index.json"
  static let maximumShards = 10_000

  /// Files read, the index included.
  private(set) var paths: [String] = []
  private(set) var remarks: [CheckpointRemark] = []
  private var files: [Safetensors] = []
  private var fileOfTensor: [String: Int] = [:]

  /// - Throws: `CheckpointError` when there is no such file, or a shard is missing or damaged.
  init(directory: String) throws(CheckpointError) {
    let single = "\(directory)/\(Self.singleName)"
    let index = "\(directory)/\(Self.indexName)"
    if CheckpointFile.exists(single) {
      add(try Safetensors(path: single))
    } else if CheckpointFile.exists(index) {
      try addShards(directory: directory, index: index)
    } else {
      throw CheckpointError(
        path: directory, problem: "no weights", expected: "\(Self.singleName) or \(Self.indexName)",
        remedy: "Weights in other formats (.bin, .pt) must be saved as safetensors first.")
    }
  }

  /// All tensor names, sorted.
  var names: [String] { fileOfTensor.keys.sorted() }

  func contains(_ name: String) -> Bool { fileOfTensor[name] != nil }

  /// - Throws: `CheckpointError` when the tensor is missing or does not hold weights.
  func tensor(_ name: String) throws(CheckpointError) -> SafetensorsTensor {
    guard let index = fileOfTensor[name], let entry = files[index][name] else {
      throw CheckpointError(
        path: paths.first ?? "", subject: name, problem: "the tensor is missing",
        remedy: "The checkpoint is incomplete: fetch all of its files.")
    }
    return try files[index].tensor(entry)
  }

  private mutating func add(_ file: Safetensors) {
    paths.append(file.file.path)
    for entry in file.entries where fileOfTensor[entry.name] == nil { fileOfTensor[entry.name] = files.count }
    files.append(file)
  }

  private mutating func addShards(directory: String, index: String) throws(CheckpointError) {
    paths.append(index)
    guard let map = try CheckpointFile.json(index)["weight_map"]?.object, !map.isEmpty else {
      throw CheckpointError(path: index, subject: "weight_map", problem: "missing", expected: "an object of file names")
    }
    var shards: [String: Int] = [:]
    var listed: [(tensor: String, shard: String)] = []
    for (tensor, value) in zip(map.keys, map.values) {
      // A name with a directory in it could point anywhere on the disk.
      guard let file = value.string, file.hasSuffix(".safetensors"), !file.contains("/") else {
        throw CheckpointError(
          path: index, subject: "weight_map[\(tensor)]", problem: value.summary,
          expected: "the name of a .safetensors file in the same directory")
      }
      shards[file] = 0
      listed.append((tensor, file))
    }
    guard shards.count <= Self.maximumShards else {
      throw CheckpointError(path: index, problem: "\(shards.count) shards", expected: "at most \(Self.maximumShards)")
    }
    for file in shards.keys.sorted() {
      let path = "\(directory)/\(file)"
      guard CheckpointFile.exists(path) else {
        throw CheckpointError(
          path: path, problem: "the shard is missing", expected: "every file that \(Self.indexName) lists",
          remedy: "Fetch the missing file.")
      }
      shards[file] = files.count
      add(try Safetensors(path: path))
    }
    place(listed, shards)
  }

  /// Takes each tensor from the shard the index names, where that has it.
  private mutating func place(_ listed: [(tensor: String, shard: String)], _ shards: [String: Int]) {
    var misplaced: [String] = []
    for (tensor, shard) in listed {
      if let number = shards[shard], files[number][tensor] != nil {
        fileOfTensor[tensor] = number
      } else {
        misplaced.append(tensor)
      }
    }
    let unlisted = Set(fileOfTensor.keys).subtracting(listed.map(\.tensor)).sorted()
    if !misplaced.isEmpty {
      remarks.append(
        CheckpointRemark(
          .ignored,
          "\(Self.indexName) places tensors in shards that lack them: \(DeRaCheckpoints.listed(misplaced.sorted()))"
        ))
    }
    if !unlisted.isEmpty {
      remarks.append(
        CheckpointRemark(.read, "tensors that \(Self.indexName) does not list: \(DeRaCheckpoints.listed(unlisted))"))
    }
  }
}

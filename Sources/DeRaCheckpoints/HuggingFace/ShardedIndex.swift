/// The safetensors files of a model directory as one set of tensors: `model.safetensors`, or the shards that
/// `model.safetensors.index.json` lists.
struct SafetensorsFiles: Sendable {
  static let singleName = "model.safetensors"
  static let indexName = "model.safetensors.index.json"
  static let maximumShards = 10_000

  /// Files read, the index included.
  private(set) var paths: [String] = []
  private var files: [Safetensors] = []
  private var fileOfTensor: [String: Int] = [:]

  /// - Throws: `CheckpointError` when there is no such file, a shard is missing or damaged, or a tensor is not in
  ///   exactly the shard that the index names.
  init(directory: String) throws(CheckpointError) {
    let single = "\(directory)/\(Self.singleName)"
    let index = "\(directory)/\(Self.indexName)"
    if CheckpointFile.exists(single) {
      try add(Safetensors(path: single), listed: nil)
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

  private mutating func add(_ file: Safetensors, listed: Set<String>?) throws(CheckpointError) {
    let path = file.file.path
    for entry in file.entries {
      if let listed, !listed.contains(entry.name) {
        throw CheckpointError(
          path: path, subject: entry.name, problem: "the index does not place this tensor in this shard",
          remedy: "Shards and index belong to different checkpoints: fetch them together.")
      }
      fileOfTensor[entry.name] = files.count
    }
    if let missing = listed?.first(where: { file[$0] == nil }) {
      throw CheckpointError(
        path: path, subject: missing, problem: "the index places this tensor here, but the shard lacks it",
        remedy: "Shards and index belong to different checkpoints: fetch them together.")
    }
    paths.append(path)
    files.append(file)
  }

  private mutating func addShards(directory: String, index: String) throws(CheckpointError) {
    paths.append(index)
    guard let map = try CheckpointFile.json(index)["weight_map"]?.object, !map.isEmpty else {
      throw CheckpointError(path: index, subject: "weight_map", problem: "missing", expected: "an object of file names")
    }
    var tensors: [String: Set<String>] = [:]
    for (tensor, value) in zip(map.keys, map.values) {
      // A name with a directory in it could point anywhere on the disk.
      guard let file = value.string, file.hasSuffix(".safetensors"), !file.contains("/") else {
        throw CheckpointError(
          path: index, subject: "weight_map[\(tensor)]", problem: value.summary,
          expected: "the name of a .safetensors file in the same directory")
      }
      tensors[file, default: []].insert(tensor)
    }
    guard tensors.count <= Self.maximumShards else {
      throw CheckpointError(path: index, problem: "\(tensors.count) shards", expected: "at most \(Self.maximumShards)")
    }
    for (file, listed) in tensors.sorted(by: { $0.key < $1.key }) {
      let path = "\(directory)/\(file)"
      guard CheckpointFile.exists(path) else {
        throw CheckpointError(
          path: path, problem: "the shard is missing", expected: "every file that \(Self.indexName) lists",
          remedy: "Fetch the missing file.")
      }
      try add(Safetensors(path: path), listed: listed)
    }
  }
}

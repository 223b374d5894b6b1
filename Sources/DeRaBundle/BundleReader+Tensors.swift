import DeRaGGUF
import DeRaModelSpec
import DeRaTensorCore

extension BundleReader {
  /// One row of the parallel arrays that describe the tensors.
  private struct Row {
    let name: String
    let codec: String
    let rows: Int
    let columns: Int
    let sha256: String
  }

  func tensors(_ configuration: ModelConfiguration, models: Int) throws(BundleError) -> [BundleTensor] {
    let rows = try rows()
    var tables = try tables(int4s: rows.count { $0.codec == PackedCodec.int4.rawValue })
    let inventory = configuration.tensors
    let specs = Dictionary(inventory.map { ($0.name, $0) }) { first, _ in first }
    var seen: Set<String> = []
    var list: [BundleTensor] = []
    for row in rows {
      guard seen.insert(row.name).inserted else { throw invalid(BundleKey.tensorNames, row.name, "each name once") }
      let table = row.codec == PackedCodec.int4.rawValue ? tables.popLast().flatMap { $0 } : nil
      list.append(try tensor(row, specs, models: models, table: table))
    }
    for spec in inventory where !seen.contains(spec.name) {
      throw invalid("tensor \(spec.name)", "missing", "every tensor of the reference model")
    }
    try checkChanges(list)
    for tensor in file.tensors where !seen.contains(tensor.name) && tensor.name != BundleManifest.tokenizerName {
      throw invalid("tensor \(tensor.name)", "not described", "an entry in \(BundleKey.tensorNames)")
    }
    return list
  }

  private func rows() throws(BundleError) -> [Row] {
    let names = try strings(BundleKey.tensorNames)
    let codecs = try sized(BundleKey.tensorCodecs, strings(BundleKey.tensorCodecs), names.count)
    let rows = try sized(BundleKey.tensorRows, integers(BundleKey.tensorRows), names.count)
    let columns = try sized(BundleKey.tensorColumns, integers(BundleKey.tensorColumns), names.count)
    let checksums = try sized(BundleKey.tensorChecksums, strings(BundleKey.tensorChecksums), names.count)
    return names.indices.map {
      Row(name: names[$0], codec: codecs[$0], rows: rows[$0], columns: columns[$0], sha256: checksums[$0])
    }
  }

  /// The tables of the int4 tensors, the first one last; nil stands for the linear table.
  private func tables(int4s: Int) throws(BundleError) -> [[Int8]?] {
    let array = try get { (file) throws(GGUFError) in try file.array(BundleKey.tensorTables, of: .int8) }
    let values = array.int8s ?? []
    if values.isEmpty { return Array(repeating: nil, count: int4s) }
    guard values.count == int4s * 16 else {
      throw invalid(BundleKey.tensorTables, "\(values.count) values", "none, or 16 for each of \(int4s) int4 tensors")
    }
    let range = PackedCodec.int4TableRange
    if let value = values.first(where: { !range.contains($0) }) {
      throw invalid(BundleKey.tensorTables, "a value of \(value)", "\(range.lowerBound) to \(range.upperBound)")
    }
    return (0..<int4s).reversed().map { Array(values[16 * $0..<16 * $0 + 16]) }
  }

  private func tensor(
    _ row: Row, _ specs: [String: TensorSpec], models: Int, table: [Int8]?
  ) throws(BundleError) -> BundleTensor {
    let field = "tensor \(row.name.prefix(80))"
    guard let owner = Owner(of: row.name, specs, models: models) else {
      throw invalid(
        field, "unknown",
        "a tensor of the model, or a1. … a\(models - 1)., its name and perhaps .delta, .lora_a or .lora_b")
    }
    let spec = owner.spec
    let part = try part(row, owner)
    guard let codec = BundleCodec(name: row.codec), (codec != .f32) == spec.role.isMatrix else {
      let codecs = PackedCodec.allCases.map(\.rawValue).joined(separator: ", ")
      throw invalid(field, "coded as \"\(row.codec.prefix(20))\"", spec.role.isMatrix ? "one of \(codecs)" : "f32")
    }
    // The right factor's products are its input, and those are floats.
    if case .loraB = part, codec != .packed(.f16) {
      throw invalid(field, "coded as \"\(row.codec)\"", "f16, as every left factor of a low-rank change")
    }
    guard Self.isChecksum(row.sha256) else {
      throw invalid(
        BundleKey.tensorChecksums, "\"\(row.sha256.prefix(70))\"", "64 lower-case hexadecimal digits for \(row.name)")
    }
    guard
      var tensor = try? BundleTensor(
        spec: spec, model: owner.model, part: part, codec: codec, table: table, sha256: row.sha256)
    else { throw invalid(field, "\(row.rows) × \(row.columns)", "a matrix that fits in the address space") }
    guard row.rows == tensor.rows, row.columns == tensor.columns else {
      throw invalid(field, "\(row.rows) × \(row.columns)", "\(tensor.rows) × \(tensor.columns)")
    }
    tensor.byteRange = try byteRange(of: tensor, named: row.name, field)
    return tensor
  }

  /// The bytes of a tensor, once the file is known to hold it as the tables describe it.
  private func byteRange(
    of tensor: BundleTensor, named name: String, _ field: String
  ) throws(BundleError) -> Range<Int> {
    guard let stored = file.tensor(named: name) else { throw invalid(field, "missing", "data in the file") }
    guard stored.type == tensor.ggufType, stored.dimensions == tensor.ggufDimensions else {
      throw invalid(
        field, "\(stored.type.name) \(stored.dimensions)", "\(tensor.ggufType.name) \(tensor.ggufDimensions)")
    }
    guard stored.byteRange.lowerBound % GGUFWriter.alignment == 0 else {
      throw invalid(field, "at byte \(stored.byteRange.lowerBound)", "a multiple of \(GGUFWriter.alignment)")
    }
    return stored.byteRange
  }

  /// The part that a row's tensor is, its rank taken from the row and checked.
  private func part(_ row: Row, _ owner: Owner) throws(BundleError) -> TensorPart {
    let field = "tensor \(row.name)"
    let spec = owner.spec
    guard owner.suffix.isEmpty || spec.role.isMatrix else {
      throw invalid(field, "a delta of a vector", "deltas of matrices; vectors are stored whole")
    }
    let rank = owner.suffix == ".lora_a" ? row.rows : row.columns
    let limit = min(spec.rows, spec.columns)
    guard !owner.suffix.hasPrefix(".lora") || (1...limit).contains(rank) else {
      throw invalid(field, "of rank \(rank)", "a rank of 1 to \(limit)")
    }
    switch owner.suffix {
    case ".delta": return .delta
    case ".lora_a": return .loraA(rank: rank)
    case ".lora_b": return .loraB(rank: rank)
    default: return .whole
    }
  }

  /// Each model has one kind of change of a tensor, and both factors of a low-rank one.
  private func checkChanges(_ tensors: [BundleTensor]) throws(BundleError) {
    let aligned = tensors.filter { $0.model > 0 }
    for parts in Dictionary(grouping: aligned, by: { "a\($0.model).\($0.spec.name)" }).values {
      if parts.count == 1, parts[0].part == .whole || parts[0].part == .delta { continue }
      let field = parts.map { "tensor \($0.fileName)" }.joined(separator: ", ")
      if parts.count == 1 { throw invalid(field, "alone", "both factors, .lora_a and .lora_b") }
      var ranks: [Int] = []
      for tensor in parts {
        switch tensor.part {
        case .loraA(let rank), .loraB(let rank): ranks.append(rank)
        case .whole, .delta: throw invalid(field, "there together", "one kind of change")
        }
      }
      guard Set(ranks).count == 1 else {
        throw invalid(field, "of ranks \(ranks.map(String.init).joined(separator: " and "))", "the same rank")
      }
    }
  }

  private func integers(_ key: String) throws(BundleError) -> [Int] {
    guard case .array(let array)? = file[key], let values = array.integers else {
      throw invalid(key, "missing or of another type", "an array of integers")
    }
    return values
  }

  private func sized<Element>(_ key: String, _ list: [Element], _ count: Int) throws(BundleError) -> [Element] {
    guard list.count == count else {
      throw invalid(key, "\(list.count) elements", "\(count), as many as \(BundleKey.tensorNames)")
    }
    return list
  }
}

/// Which model a stored tensor belongs to, and what it is of which tensor of it.
private struct Owner {
  private static let changeSuffixes = [".delta", ".lora_a", ".lora_b"]

  let model: Int
  let spec: TensorSpec
  /// The ending after the tensor's name; empty for whole tensors.
  let suffix: String

  /// nil for a name that no bundle of so many models has.
  init?(of name: String, _ specs: [String: TensorSpec], models: Int) {
    if let spec = specs[name] {
      (model, self.spec, suffix) = (0, spec, "")
      return
    }
    guard name.first == "a", let dot = name.firstIndex(of: "."),
      let model = Int(name[name.index(after: name.startIndex)..<dot]), (1..<models).contains(model)
    else { return nil }
    let rest = name[name.index(after: dot)...]
    let suffix = Self.changeSuffixes.first { rest.hasSuffix($0) } ?? ""
    guard let spec = specs[String(rest.dropLast(suffix.count))],
      name == BundleTensor.fileName(spec.name, model: model, suffix)
    else { return nil }
    (self.model, self.spec, self.suffix) = (model, spec, suffix)
  }
}

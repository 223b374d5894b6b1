import DeRaBundle

/// A part of a bundle's mapped file.
package struct MemoryRegion: Sendable, Equatable {
  /// `shared`, a model's name, `tokenizer` or `metadata`.
  package var name: String
  package var bytes: Int
  /// Where it lies in the file; not known for the metadata.
  package var ranges: [Range<Int>]
}

extension BundleManifest {
  /// The parts of the file: shared by several models, each model's own, the tokenizer, and the rest.
  package func memoryRegions(fileBytes: Int) -> [MemoryRegion] {
    var regions = [MemoryRegion(name: "shared", bytes: 0, ranges: [])]
    regions += models.map { MemoryRegion(name: $0, bytes: 0, ranges: []) }
    for tensor in tensors {
      let index = users(of: tensor) > 1 ? 0 : 1 + tensor.model
      regions[index].bytes += tensor.byteCount
      regions[index].ranges.append(tensor.byteRange)
    }
    regions.append(
      MemoryRegion(
        name: "tokenizer", bytes: tokenizer?.byteCount ?? 0, ranges: tokenizer.map { [$0.byteRange] } ?? []))
    let rest = fileBytes - regions.reduce(0) { $0 + $1.bytes }
    return regions + [MemoryRegion(name: "metadata", bytes: max(0, rest), ranges: [])]
  }
}

extension ModelBundle {
  /// The parts of the mapped file and how much of each is in memory now; nil where the system does not tell.
  package func residentRegions() -> [(region: MemoryRegion, residentBytes: Int?)] {
    manifest.memoryRegions(fileBytes: mappedBytes).map { region in
      (region, region.ranges.isEmpty ? nil : residentBytes(of: region.ranges))
    }
  }
}

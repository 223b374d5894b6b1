import DeRa

/// Where the memory of a session and its process is.
package struct RunMemory: Encodable, Equatable {
  /// A part of the mapped file: shared, a model's own, the tokenizer, the rest.
  package struct Part: Encodable, Equatable {
    package var name: String
    package var mappedBytes: Int
    /// Mapped bytes that are in memory; nil where the system does not tell.
    package var residentBytes: Int?
    /// Bytes of the model's keys and values when the context is full.
    package var kvBytes: Int

  }

  package var mappedBytes: Int
  package var kvBytes: Int
  package var scratchBytes: Int
  /// The process's own memory that is resident, and resident pages of files.
  package var anonymousBytes: Int?
  package var residentFileBytes: Int?
  package var parts: [Part]

  init(_ session: DecodingSession) {
    let memory = session.memory
    let process = ProcessMemory.current()
    mappedBytes = memory.mappedBytes
    kvBytes = memory.kvBytes
    scratchBytes = memory.scratchBytes
    anonymousBytes = process?.anonymousBytes
    residentFileBytes = process?.fileBytes
    // Blending weights, the reference stands for the mixture that is run.
    let names =
      session.blend == .logits ? session.bundle.manifest.models : Array(session.bundle.manifest.models.prefix(1))
    parts = session.bundle.residentRegions().map { region, resident in
      Part(
        name: region.name, mappedBytes: region.bytes, residentBytes: resident,
        kvBytes: names.contains(region.name) ? memory.kvBytes / names.count : 0)
    }
  }
}

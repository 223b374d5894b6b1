/// Oddities of an adapter that do not prevent its use, as sentences for the user.
struct AdapterRemarks {
  /// Names listed at most.
  private static let listLimit = 5

  let config: AdapterConfig
  let base: Checkpoint

  /// - Parameters:
  ///   - modules: the modules the adapter has weights for ("model.layers.0.self_attn.q_proj").
  ///   - rows: those of its embedding table.
  /// - Throws: `CheckpointError` when a pattern of the configuration takes too much work.
  func all(modules: some Sequence<String>, rows: Int) throws(CheckpointError) -> [CheckpointRemark] {
    Self.otherBase(trainedOn: config.baseName, found: base)
      + [resized(rows), try outsideTargets(modules), dora].compactMap { $0 }.map { CheckpointRemark(.warning, $0) }
  }

  private func resized(_ rows: Int) -> String? {
    let own = base.configuration.vocabularySize
    guard rows != own else { return nil }
    return
      "the adapter's embedding table has \(rows) rows and the reference's \(own); tokens from \(min(rows, own)) on are "
      + "left out"
  }

  /// Endings of a name that say how weights are stored.
  private static let formats = ["gguf", "f16", "f32", "bf16", "fp16", "fp8"]

  /// Names are compared by the letters and digits of their last part: one is often a directory where the other is a
  /// repository, a title or a file. The base is known by the name in its configuration and by that of its file.
  static func otherBase(trainedOn wanted: String?, found base: Checkpoint) -> [CheckpointRemark] {
    func stem(_ name: String) -> String {
      (name.split(separator: "/").last ?? "").lowercased().filter { $0.isLetter || $0.isNumber }
    }
    func isSame(_ one: String, _ other: String) -> Bool {
      let (short, long) = one.count < other.count ? (one, other) : (other, one)
      guard long.hasPrefix(short) else { return false }
      let rest = long.dropFirst(short.count)
      let isQuantisation = rest.drop { "iqt".contains($0) }.first?.isNumber ?? false
      return rest.isEmpty || formats.contains(String(rest)) || (isQuantisation && "iqt".contains(rest.first ?? " "))
    }
    guard let wanted, let origin = base.originName, !stem(wanted).isEmpty, !stem(origin).isEmpty else { return [] }
    if [origin, base.displayName].contains(where: { !stem($0).isEmpty && isSame(stem(wanted), stem($0)) }) {
      return []
    }
    return [
      CheckpointRemark(
        .warning,
        "the adapter was trained on \(wanted), but the reference calls itself \(origin); "
          + "on another base model its change means something else")
    ]
  }

  private func outsideTargets(_ modules: some Sequence<String>) throws(CheckpointError) -> String? {
    var outside: [String] = []
    for module in modules where try !config.isTarget(module) { outside.append(module) }
    guard !outside.isEmpty else { return nil }
    return "the adapter has weights for modules that target_modules and modules_to_save do not name: "
      + listed(outside.sorted(), limit: Self.listLimit) + "; they are used"
  }

  private var dora: String? {
    guard config.usesDoRA else { return nil }
    return
      "DoRA stretches every row of W + B·A, which is not a low-rank change: its matrices are merged, not stored as "
      + "factors"
  }
}

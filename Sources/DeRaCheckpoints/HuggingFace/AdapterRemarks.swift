/// Oddities of an adapter that do not prevent its use, as sentences for the user.
struct AdapterRemarks {
  /// Names listed at most.
  private static let listLimit = 5

  let config: AdapterConfig
  let base: Checkpoint

  /// - Parameter modules: the modules the adapter has weights for ("model.layers.0.self_attn.q_proj").
  func all(modules: some Sequence<String>) -> [String] { [otherBase, outsideTargets(modules), dora].compactMap { $0 } }

  private var otherBase: String? { Self.otherBase(trainedOn: config.baseName, found: base.originName) }

  /// Names are compared by the letters and digits of their last part: one is often a directory where the other is a
  /// repository, or a title.
  static func otherBase(trainedOn wanted: String?, found: String?) -> String? {
    guard let wanted, let found else { return nil }
    func stem(_ name: String) -> String {
      (name.split(separator: "/").last ?? "").lowercased().filter { $0.isLetter || $0.isNumber }
    }
    guard !stem(wanted).isEmpty, !stem(found).isEmpty, stem(wanted) != stem(found) else { return nil }
    return "the adapter was trained on \(wanted), but the reference calls itself \(found); "
      + "on another base model its change means something else"
  }

  private func outsideTargets(_ modules: some Sequence<String>) -> String? {
    let outside = modules.filter { !config.isTarget($0) }.sorted()
    guard !outside.isEmpty else { return nil }
    let more = outside.count > Self.listLimit ? " and \(outside.count - Self.listLimit) more" : ""
    return "the adapter has weights for modules that target_modules and modules_to_save do not name: "
      + outside.prefix(Self.listLimit).joined(separator: ", ") + more + "; they are used"
  }

  private var dora: String? {
    guard config.usesDoRA else { return nil }
    return
      "DoRA stretches every row of W + B·A, which is not a low-rank change: its matrices are merged, not stored as "
      + "factors"
  }
}

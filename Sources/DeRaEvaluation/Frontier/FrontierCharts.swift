extension [FrontierResult] {
  /// Bytes against KL at one λ: a curve for every family, the separate models first, names on the front.
  /// - Parameters:
  ///   - lambda: index into every result's `quality`.
  ///   - blendsWeights: which of the bundles' results; the separate models blend logits.
  package func chart(lambda: Int, blendsWeights: Bool = false, title: String) -> Chart {
    let shown = filter { $0.isSeparate || $0.blendsWeights == blendsWeights }
    return shown.chart(lambda, title, front: Set(filter { !$0.isSeparate }.front))
  }

  private func chart(_ lambda: Int, _ title: String, front: Set<String>) -> Chart {
    let families = reduce(into: [String]()) { if !$0.contains($1.family) { $0.append($1.family) } }
    let ordered = families.filter(isSeparate) + families.filter { !isSeparate($0) }
    let series = ordered.map { family in
      let members = filter { $0.family == family && lambda < $0.quality.count }.sorted { $0.fileBytes < $1.fileBytes }
      return Chart.Series(
        family, .line,
        members.map { result in
          let divergence = result.quality[lambda].divergence
          return Chart.Point(
            x: Double(result.fileBytes) / 1e6, y: divergence.value, error: divergence.error,
            label: front.contains(result.name) ? result.name : nil)
        })
    }
    return Chart(
      title: title, x: Axis("size of all files (MB)"),
      y: Axis("mean KL from 16 bits (nats a token)", scale: .logarithmic), series: series)
  }

  private func isSeparate(_ family: String) -> Bool { contains { $0.family == family && $0.isSeparate } }
}

import DeRaText

extension ConversionReport {
  /// The report as tables for a terminal.
  package var text: String {
    var lines = ["\(output): \(megabytes(outputBytes)) MB, \(summary)", ""]
    lines += modelTable.lines
    if models.count > 1 {
      lines.append("changed: stored as a delta from the reference; read: bits that the runtime reads for a weight")
    }
    lines += ["", "Error of the matrices, √(Σ error² / Σ weight²)"]
    if isCalibrated == true {
      lines.append("(error feedback makes it larger, and what matters smaller: the error of the outputs on the text)")
    }
    lines += classTable.lines
    lines += ["", "Largest errors"]
    lines += worstTable.lines
    if !changes.isEmpty {
      lines += ["", "What aligned models change, D = W_aligned − W"]
      lines += changeTable.lines
      lines.append("gain: how much of D acts along D, ⟨stored, D⟩ / ⟨D, D⟩; below 1 is like a smaller λ")
    }
    return lines.joined(separator: "\n")
  }

  private var summary: String {
    var parts = ["\(fixed(bitsPerWeight, 2)) bits a stored weight", "\(fixed(seconds, 1)) s"]
    if let peakMemoryBytes { parts.append("peak memory \(megabytes(peakMemoryBytes)) MB") }
    return parts.joined(separator: ", ")
  }

  private var modelTable: Table {
    var table = Table([
      .init("model", .left), .init("own tensors"), .init("changed"), .init("shared"), .init("own MB"),
      .init("shared MB"), .init("own bits/weight"), .init("read"),
    ])
    for model in models {
      table.rows.append([
        model.name, "\(model.ownTensors)", "\(model.changedTensors)", "\(model.sharedTensors)",
        megabytes(model.ownBytes), megabytes(model.sharedBytes),
        fixed(model.ownBitsPerWeight, 2),
        fixed(model.bitsPerWeight, 2),
      ])
    }
    return table
  }

  private var classTable: Table {
    var table = Table([
      .init("class", .left), .init("codec", .left), .init("tensors"), .init("weights"), .init("error"),
    ])
    for row in tensorClasses {
      table.rows.append([
        row.role, row.codec, "\(row.tensors)", "\(row.weights)", significant(row.relativeRMSError),
      ])
    }
    return table
  }

  private var worstTable: Table {
    var table = Table([.init("tensor", .left), .init("model", .left), .init("codec", .left), .init("error")])
    for row in worstTensors {
      table.rows.append([row.tensor, row.model, row.codec, significant(row.relativeRMSError)])
    }
    return table
  }

  private var changeTable: Table {
    var table = Table([
      .init("model", .left), .init("class", .left), .init("delta", .left), .init("codec", .left), .init("tensors"),
      .init("bits/weight"), .init("|D|/|W|"), .init("error/|D|"), .init("gain"),
    ])
    for row in changes {
      table.rows.append([
        row.model, row.role, row.kind, row.codec, "\(row.tensors)", fixed(row.bitsPerWeight, 2),
        significant(row.relativeDifference), row.relativeError.map(significant) ?? "",
        row.gain.map { fixed($0, 3) } ?? "",
      ])
    }
    return table
  }
}

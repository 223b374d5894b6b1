extension ConversionReport {
  /// The report as tables for a terminal.
  package var text: String {
    var lines = ["\(output): \(NumberText.megabytes(outputBytes)) MB, \(summary)", ""]
    lines += modelTable.lines
    lines += ["", "Error of the matrices, √(Σ error² / Σ weight²)"]
    lines += classTable.lines
    lines += ["", "Largest errors"]
    lines += worstTable.lines
    if !changes.isEmpty {
      lines += ["", "What aligned models change, D = W_aligned − W"]
      lines += changeTable.lines
    }
    return lines.joined(separator: "\n")
  }

  private var summary: String {
    var parts = ["\(NumberText.decimal(bitsPerWeight, 2)) bits a weight", "\(NumberText.decimal(seconds, 1)) s"]
    if let peakMemoryBytes { parts.append("peak memory \(NumberText.megabytes(peakMemoryBytes)) MB") }
    return parts.joined(separator: ", ")
  }

  private var modelTable: TextTable {
    var table = TextTable([
      ("model", .left), ("own tensors", .right), ("changed", .right), ("shared", .right), ("own MB", .right),
      ("shared MB", .right), ("own bits/weight", .right), ("read", .right),
    ])
    for model in models {
      table.add([
        model.name, "\(model.ownTensors)", "\(model.changedTensors)", "\(model.sharedTensors)",
        NumberText.megabytes(model.ownBytes), NumberText.megabytes(model.sharedBytes),
        NumberText.decimal(model.ownBitsPerWeight, 2),
        NumberText.decimal(model.bitsPerWeight, 2),
      ])
    }
    return table
  }

  private var classTable: TextTable {
    var table = TextTable([
      ("class", .left), ("codec", .left), ("tensors", .right), ("weights", .right), ("error", .right),
    ])
    for row in tensorClasses {
      table.add([
        row.role, row.codec, "\(row.tensors)", "\(row.weights)", NumberText.significant(row.relativeRMSError),
      ])
    }
    return table
  }

  private var worstTable: TextTable {
    var table = TextTable([("tensor", .left), ("model", .left), ("codec", .left), ("error", .right)])
    for row in worstTensors {
      table.add([row.tensor, row.model, row.codec, NumberText.significant(row.relativeRMSError)])
    }
    return table
  }

  private var changeTable: TextTable {
    var table = TextTable([
      ("model", .left), ("class", .left), ("change", .left), ("codec", .left), ("tensors", .right),
      ("bits/weight", .right), ("|D|/|W|", .right), ("error/|D|", .right), ("gain", .right),
    ])
    for row in changes {
      table.add([
        row.model, row.role, row.kind, row.codec, "\(row.tensors)", NumberText.decimal(row.bitsPerWeight, 2),
        NumberText.significant(row.relativeDifference), row.relativeError.map(NumberText.significant) ?? "",
        row.gain.map { NumberText.decimal($0, 3) } ?? "",
      ])
    }
    return table
  }
}

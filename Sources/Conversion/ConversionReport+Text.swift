extension ConversionReport {
  /// The report as tables for a terminal.
  public var text: String {
    var lines = ["\(output): \(NumberText.megabytes(outputBytes)) MB, \(summary)", ""]
    lines += modelTable.lines
    lines += ["", "Error of the matrices, √(Σ error² / Σ weight²)"]
    lines += classTable.lines
    lines += ["", "Largest errors"]
    lines += worstTable.lines
    return lines.joined(separator: "\n")
  }

  private var summary: String {
    var parts = ["\(NumberText.decimal(bitsPerWeight, 2)) bits a weight", "\(NumberText.decimal(seconds, 1)) s"]
    if let peakMemoryBytes { parts.append("peak memory \(NumberText.megabytes(peakMemoryBytes)) MB") }
    return parts.joined(separator: ", ")
  }

  private var modelTable: TextTable {
    var table = TextTable([
      ("model", .left), ("own tensors", .right), ("shared", .right), ("own MB", .right), ("shared MB", .right),
      ("own bits/weight", .right), ("read", .right),
    ])
    for model in models {
      table.add([
        model.name, "\(model.ownTensors)", "\(model.sharedTensors)", NumberText.megabytes(model.ownBytes),
        NumberText.megabytes(model.sharedBytes), NumberText.decimal(model.ownBitsPerWeight, 2),
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
}

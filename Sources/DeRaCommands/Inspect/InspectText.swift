import DeRaText

extension InspectReport {
  /// The report for people.
  /// - Parameter width: columns of the picture of the memory map.
  package func text(width: Int = 60) -> String {
    [heading, modelTable.markdown, partTable.markdown, picture(width: width), forecastText]
      .joined(separator: "\n")
  }

  private var heading: String {
    let c = configuration
    let window = c.slidingWindow.map { ", sliding window \($0)" } ?? ""
    let tokenizer = c.hasTokenizer ? "tokenizer" : "no tokenizer"
    let template = c.hasChatTemplate ? "chat template" : "no chat template"
    let checked = verified == true ? "Every checksum is right.\n" : ""
    return """
      \(path): \(byteText(fileBytes))
      \(c.architecture), \(c.layers) layers, hidden \(c.hiddenSize), \(c.heads) heads (\(c.kvHeads) for keys and values) \
      of \(c.headDim), feed-forward \(c.feedForwardSize), vocabulary \(c.vocabularySize)\
      \(c.tiesEmbeddings ? " (tied)" : ""), context \(c.contextLength)\(window)
      \(tokenizer), \(template), end of text \(c.endOfTextIds.map(String.init).joined(separator: ", "))
      activations in \(c.activations)
      \(checked)
      """
  }

  private var modelTable: Table {
    var table = Table([
      .init("model", .left), .init("weights"), .init("own tensors"), .init("changed"), .init("stored"),
      .init("shared tensors"), .init("shared"), .init("bits/weight"),
    ])
    table.rows = models.map { model in
      [
        model.name, countText(model.weights), "\(model.ownTensors)", "\(model.changedTensors)",
        byteText(model.ownBytes),
        "\(model.sharedTensors)", byteText(model.sharedBytes), fixed(model.bitsPerWeight, 2),
      ]
    }
    return table
  }

  private var partTable: Table {
    var table = Table([
      .init("part", .left), .init("codec", .left), .init("stored"), .init("shared"), .init("bits/weight"),
    ])
    table.rows = parts.map { part in
      [
        part.name, part.codecs.joined(separator: " "), byteText(part.bytes), byteText(part.sharedBytes),
        fixed(part.bitsPerWeight, 2),
      ]
    }
    return table
  }

  private static let shades: [Character] = ["█", "▓", "▒", "░", "▚", "▞", "▤", "▥"]

  /// A bar in proportion to the file, each region in its own shade, and the legend.
  private func picture(width: Int) -> String {
    let total = max(1, regions.reduce(0) { $0 + $1.bytes })
    var bar = ""
    var legend = ""
    var end = 0.0
    for (index, region) in regions.enumerated() where region.bytes > 0 {
      let shade = Self.shades[index % Self.shades.count]
      end += Double(region.bytes) / Double(total) * Double(width)
      bar += String(repeating: shade, count: max(0, Int(end.rounded()) - bar.count))
      let share = fixed(Double(region.bytes) / Double(total) * 100, 1)
      legend += "  \(shade) \(pad(region.name, to: 12, .left)) \(pad(byteText(region.bytes), to: 9, .right))"
      legend += " \(pad(share, to: 6, .right)) %\n"
    }
    return "Memory map\n  \(bar)\n\(legend)"
  }

  private var residentText: String {
    forecast.residentBytes < forecast.mappedBytes ? "; at most \(byteText(forecast.residentBytes)) in memory" : ""
  }

  private var forecastText: String {
    """
    Predicted memory, context \(forecast.context), \(forecast.sequences) \(forecast.sequences == 1 ? "sequence" : "sequences")
      mapped file                     \(byteText(forecast.mappedBytes)) (shared between processes\(residentText))
      keys and values of a sequence   \(byteText(forecast.kvBytesPerSequence)) (\(forecast.kvCodec))
      buffers of a sequence           \(byteText(forecast.scratchBytesPerSequence))
      the program itself              \(byteText(forecast.programBytes))
      total                           \(byteText(forecast.totalBytes)) (what --memory-limit is compared with)
    Weights read per token            \(byteText(readBytesPerToken)) (all models running)

    """
  }
}

import DeRa
import DeRaConsole
import DeRaEvaluation
import DeRaJSON

extension FrontierRecord {
  /// Checks everything that the command line would have checked and the measurement would have given.
  /// - Parameter path: the file.
  func check(at path: String) throws(RecordError) {
    let check = RecordCheck(place: path)
    try settings.check(check)
    if let device {
      try check.require((try? Device(device)) != nil, "device", "a device, or megabytes, as --device takes it")
    }
    try check.require(rate, in: FrontierCommand.rates, "rate")
    try check.requireNames(Array(plan.joined()), "plan")
    for (index, names) in plan.enumerated() {
      try check.require(!names.isEmpty, "plan[\(index)]", "a candidate's results")
      for name in names {
        try check.require(FrontierResult.Kind(name) != nil, "plan[\(index)]", "names of results, not '\(name)'")
      }
    }
    try check.require(Set(results.map(\.name)).count == results.count, "results", "results, each once")
    for (index, result) in results.enumerated() {
      try result.check("results[\(index)]", lambdas: results[0].quality.map(\.lambda), check)
    }
    if let quality = results.first?.quality { try checkAsked(lambdas: quality.map(\.lambda), check) }
  }

  /// Whether the λ of the results are those of the settings.
  private func checkAsked(lambdas: [String], _ check: RecordCheck) throws(RecordError) {
    let names = lambdas.first.map(Self.models) ?? []
    let models = names.count == settings.aligned.count ? names : settings.aligned
    let points = (try? Realignment.parsePoints(settings.lambda, models: models)) ?? []
    let asked = Set(points.map { $0.description(models: models) })
    try check.require(
      !asked.isEmpty && Set(lambdas) == asked && lambdas.count == asked.count, "results[0].quality",
      "one for each λ of settings.lambda")
  }

  /// The names that a λ is written with; empty where it is a number.
  private static func models(_ lambda: String) -> [String] {
    lambda.split(separator: ",").compactMap { part in part.lastIndex(of: "=").map { String(part[..<$0]) } }
  }
}

extension FrontierSettings {
  /// Chunks that may be measured at most.
  static let chunkRange = 1...Int(Int32.max)

  fileprivate func check(_ check: RecordCheck) throws(RecordError) {
    for (field, texts) in [("reference", [reference]), ("aligned", aligned), ("file", [file]), ("lambda", [lambda])] {
      try check.require(
        !texts.isEmpty && texts.allSatisfy { !$0.isEmpty && check.isPlain($0) }, "settings.\(field)", "text on one line"
      )
    }
    try check.require(context, in: TextChunks.leastContext...DecodingSession.maximumContext, "settings.context")
    try check.require(chunks, in: Self.chunkRange, "settings.chunks")
    if let threads { try check.require(threads, in: SessionLimits.threads, "settings.threads") }
    let isDigest = inputs.allSatisfy { $0.utf8.count == 64 && $0.allSatisfy(\.isHexDigit) }
    try check.require(inputs.count == aligned.count + 2 && isDigest, "settings.inputs", "a SHA-256 for every input")
  }
}

extension FrontierResult {
  /// The kinds of results, which their names tell.
  enum Kind {
    case bundle(FrontierCandidate, Blend)
    case separate

    init?(_ name: String) {
      let words = name.split(separator: " ")
      if words.count == 4, words[1] == "separate", words[3] == "models", words[2].hasSuffix("-bit"),
        let count = Int(words[0]),
        count > 0
      {
        self = .separate
      } else if words.count == 1, let candidate = try? FrontierCandidate(name) {
        self = .bundle(candidate, .logits)
      } else if words.count == 3, words[1] == "--blend", words[2] == Blend.weights.rawValue,
        let candidate = try? FrontierCandidate(words[0])
      {
        self = .bundle(candidate, .weights)
      } else {
        return nil
      }
    }
  }

  private static let byteLimit = 1 << 50

  fileprivate func check(_ field: String, lambdas: [String], _ check: RecordCheck) throws(RecordError) {
    switch Kind(name) {
    case .bundle(let candidate, let blend):
      try check.require(family == candidate.family && !isSeparate, "\(field).family", candidate.family)
      try check.require(blendsWeights == (blend == .weights), "\(field).blends_weights", "\(blend == .weights)")
    case .separate: try check.require(isSeparate && !blendsWeights, "\(field).is_separate", "true")
    case nil: throw RecordError(place: check.place, field: "\(field).name", expected: "a result's name")
    }
    try check.require(check.isPlain(family), "\(field).family", "text on one line")
    try check.require(
      command.hasPrefix("dera-quantize ") && check.isPlain(command), "\(field).command", "one of dera-quantize")
    try check.require(fileBytes, in: 1...Self.byteLimit, "\(field).file_bytes")
    try check.require(memoryBytes, in: 0...Self.byteLimit, "\(field).memory_bytes")
    try check.require(readBytesPerToken, in: 0...Self.byteLimit, "\(field).read_bytes_per_token")
    try check.require(rate.median, in: 0...1e12, "\(field).rate.median")
    try check.require(rate.low, in: 0...rate.median, "\(field).rate.low")
    try check.require(rate.high, in: rate.median...1e12, "\(field).rate.high")
    try check.require(
      quality.map(\.lambda) == lambdas && !lambdas.isEmpty, "\(field).quality",
      "figures for the λ that all results have")
    for (index, quality) in quality.enumerated() { try quality.check("\(field).quality[\(index)]", check) }
  }
}

extension FrontierResult.Quality {
  fileprivate func check(_ field: String, _ check: RecordCheck) throws(RecordError) {
    // By rounding a perplexity may be below 1 and a divergence below 0; both may be infinite at a λ far out.
    for (name, estimate, range) in [
      ("perplexity", perplexity, 0.99...Double.infinity), ("divergence", divergence, -0.01...Double.infinity),
      ("same_top", sameTop, 0...1),
    ] {
      try check.require(estimate.value, in: range, "\(field).\(name).value")
      try check.require(estimate.error, in: 0...Double.infinity, "\(field).\(name).error")
    }
  }
}

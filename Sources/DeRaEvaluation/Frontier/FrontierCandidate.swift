/// One way to store the models, as options of `dera-quantize`.
package struct FrontierCandidate: Sendable, Hashable {
  /// The candidate as it was written: `8+ternary`.
  package let name: String
  /// The options for `dera-quantize` besides the models.
  package let options: [String]
  /// Bits of the shared matrices; nil where a budget decides.
  package let bits: Int?
  /// The name of the candidate's curve, whose candidates have all in common but the bits.
  package let family: String

  package static let syntax =
    "parts joined by +: 8, 6, 4 or 16 (bits), a storage of differences such as ternary or lowrank:8, merge, or NAME=VALUE "
    + "for any other option of dera-quantize; budget=60% is a share of what whole matrices take in 8 bits"

  /// Options that a candidate cannot choose: the inputs, the output, and those with a notation of their own.
  private static let reserved: Set<Substring> = ["reference", "aligned", "output", "bits", "delta"]

  /// Reads `8+ternary`, `6`, `4+merge` or `budget=120MB`.
  /// - Throws: `FrontierError.badCandidate`.
  package init(_ text: some StringProtocol) throws(FrontierError) {
    var options: [String] = []
    var bits: Int?
    var family: [String] = []
    let parts = Substring(text).split(separator: "+", omittingEmptySubsequences: false)
    for part in parts {
      if let number = Int(part) {
        guard bits == nil, [16, 8, 6, 4].contains(number) else { throw .badCandidate(String(text)) }
        bits = number
        options += ["--bits", "\(number)"]
        continue
      }
      if part.hasSuffix("%") {
        guard part.hasPrefix("budget="), let share = Double(part.dropFirst(7).dropLast()), (1...1000).contains(share)
        else { throw .badCandidate(String(text)) }
      }
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = pair.first, !name.isEmpty, name.first != "-", !Self.reserved.contains(name) else {
        throw .badCandidate(String(text))
      }
      family.append(String(name))
      if pair.count == 2 {
        options += ["--\(name)", String(pair[1])]
      } else {
        options += name == "merge" ? ["--merge"] : ["--delta", String(name)]
      }
    }
    self.name = String(text)
    self.options = options
    self.bits = bits
    self.family = family.isEmpty ? "as given" : family.joined(separator: " ")
  }

  /// Whether its size is a share of the bundle of whole matrices in 8 bits.
  package var isRelative: Bool { options.contains { $0.hasSuffix("%") } }

  /// The options that make a difference, in one order: matrices are stored whole unless it is said otherwise, and only
  /// adapters can be merged. Candidates of one form are one bundle.
  /// - Parameter adapters: whether an aligned model is an adapter.
  package func form(adapters: Bool) -> [String] {
    var pairs: [String] = []
    var rest = options[...]
    while let option = rest.popFirst() {
      if option == "--merge" {
        if adapters { pairs.append(option) }
      } else if let value = rest.popFirst(), (option, value) != ("--delta", "own") {
        pairs.append("\(option) \(value)")
      }
    }
    return pairs.sorted()
  }

  /// Whether every model has matrices of its own, so that it predicts what the models quantised each on its own do.
  package func isWhole(adapters: Bool) -> Bool {
    guard let bits else { return false }
    return form(adapters: adapters) == ["--bits \(bits)"] + (adapters ? ["--merge"] : [])
  }

  /// The options with a share turned into bytes.
  /// - Parameter whole: bytes of the bundle of whole matrices in 8 bits.
  package func options(whole: Int) -> [String] {
    options.map { option in
      guard option.hasSuffix("%"), let share = Double(option.dropLast()) else { return option }
      return "\(Int(Double(whole) * share / 100))"
    }
  }

  /// Reads several, separated by commas.
  /// - Throws: `FrontierError.badCandidate`, also when one is there twice.
  package static func list(_ text: String) throws(FrontierError) -> [FrontierCandidate] {
    var list: [FrontierCandidate] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let candidate = try FrontierCandidate(part)
      guard !list.contains(candidate) else { throw .badCandidate("\(part)', which is given twice: '\(text)") }
      list.append(candidate)
    }
    return list
  }

  /// The candidates that are tried unless others are asked for.
  package static let standard =
    "8,6,4".split(separator: ",").flatMap { bits in
      ["own", "int4", "ternary", "sign", "lowrank:8"].map { "\(bits)+\($0)" }
    }.joined(separator: ",") + ",budget=80%,budget=60%,budget=45%,\(calibrated)"
  /// The same for adapters, which keep their own factors.
  package static let standardForAdapters =
    "8,6,4,8+merge,6+merge,4+merge,budget=80%,budget=60%,budget=45%,\(calibrated)"
  /// Rounded with a text, which costs a minute or more each: the form nearest to full precision, the smallest, and a plan.
  private static let calibrated =
    "8+calibration=default+activations=int16,4+calibration=default,budget=60%+calibration=default"
}

/// Why a frontier cannot be measured.
package enum FrontierError: Error, Equatable, CustomStringConvertible {
  case badCandidate(String)
  case unknownDevice(String)

  package var description: String {
    switch self {
    case .badCandidate(let text): "there is no candidate '\(text)'; give \(FrontierCandidate.syntax)"
    case .unknownDevice(let text):
      "there is no device '\(text)'; give \(Device.known.map(\.name).joined(separator: ", ")) or the megabytes for the model"
    }
  }
}

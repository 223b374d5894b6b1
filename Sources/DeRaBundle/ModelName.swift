/// Names of models, which users type in `--lambda a=0.5,b=0.3`.
package enum ModelName {
  package static let rule = "1 to 64 letters, digits, dots, hyphens and underscores"

  package static func isValid(_ name: String) -> Bool {
    (1...64).contains(name.utf8.count) && name.utf8.allSatisfy(isAllowed)
  }

  /// Whether an ASCII character may stand in a name.
  package static func isAllowed(_ character: UInt8) -> Bool {
    switch character {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): true
    default: false
    }
  }
}

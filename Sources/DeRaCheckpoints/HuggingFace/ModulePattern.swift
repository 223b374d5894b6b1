/// A key of PEFT's `rank_pattern` or `alpha_pattern`: a regular expression that matches the end of a module's name from
/// a dot, or the whole name.
///
/// It supports the part of regular expressions that such keys use: literal characters, `.`, `\.` and `\d`, each alone
/// or followed by `*` or `+`, a leading `^` and a trailing `$`. Matching takes time proportional to pattern times name.
package struct ModulePattern {
  private enum Atom: Equatable {
    case byte(UInt8)
    case any, digit

    func matches(_ byte: UInt8) -> Bool {
      switch self {
      case .byte(let own): own == byte
      case .any: true
      case .digit: (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      }
    }
  }

  private struct Step {
    var atom: Atom
    var mayRepeat = false
    var mayBeSkipped = false
  }

  private var steps: [Step] = []
  private var isAnchored = false

  /// nil for a pattern with anything else in it.
  package init?(_ text: String) {
    var bytes = Array(text.utf8)[...]
    if bytes.first == UInt8(ascii: "^") {
      isAnchored = true
      bytes.removeFirst()
    }
    if bytes.last == UInt8(ascii: "$") { bytes.removeLast() }
    while let byte = bytes.popFirst() {
      switch byte {
      case UInt8(ascii: "\\"):
        guard let escaped = bytes.popFirst() else { return nil }
        if escaped == UInt8(ascii: "d") {
          steps.append(Step(atom: .digit))
        } else if escaped == UInt8(ascii: ".") {
          steps.append(Step(atom: .byte(escaped)))
        } else {
          return nil
        }
      case UInt8(ascii: "*"), UInt8(ascii: "+"):
        guard let last = steps.last, !last.mayRepeat else { return nil }
        steps[steps.count - 1].mayRepeat = true
        steps[steps.count - 1].mayBeSkipped = byte == UInt8(ascii: "*")
      case UInt8(ascii: "."):
        steps.append(Step(atom: .any))
      default:
        guard !"[](){}|?^$".utf8.contains(byte) else { return nil }
        steps.append(Step(atom: .byte(byte)))
      }
    }
  }

  package func matches(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    if matchesWhole(bytes[...]) { return true }
    if isAnchored { return false }
    return bytes.indices.contains { bytes[$0] == UInt8(ascii: ".") && matchesWhole(bytes[($0 + 1)...]) }
  }

  /// Follows all ways through the steps at once. `reached[i]`: the first `i` steps have matched so far.
  private func matchesWhole(_ bytes: ArraySlice<UInt8>) -> Bool {
    var reached = [Bool](repeating: false, count: steps.count + 1)
    reached[0] = true
    skipOptional(&reached)
    for byte in bytes {
      var next = [Bool](repeating: false, count: steps.count + 1)
      for (index, step) in steps.enumerated() where step.atom.matches(byte) {
        if reached[index] || (step.mayRepeat && reached[index + 1]) { next[index + 1] = true }
      }
      skipOptional(&next)
      reached = next
    }
    return reached[steps.count]
  }

  private func skipOptional(_ reached: inout [Bool]) {
    for (index, step) in steps.enumerated() where step.mayBeSkipped && reached[index] { reached[index + 1] = true }
  }
}

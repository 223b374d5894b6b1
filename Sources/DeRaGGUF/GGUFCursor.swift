import DeRaPlatform
import DeRaTensorCore

/// A reading position in a GGUF header; every read is checked against the end of the file.
struct GGUFCursor {
  private let file: MappedFile
  /// Never beyond the end of the file.
  private(set) var offset = 0

  init(file: MappedFile) { self.file = file }

  private var remaining: Int { file.bytes.count - offset }

  func malformed(_ kind: GGUFMalformation, at offset: Int, found: String, expected: String) -> GGUFError {
    .malformed(path: file.path, offset: offset, kind, found: found, expected: expected)
  }

  /// `what` names the field in the error; it is built only then.
  mutating func skip(_ count: Int, _ what: @autoclosure () -> String) throws(GGUFError) {
    guard count <= remaining else {
      throw malformed(.truncated, at: offset, found: "\(remaining) bytes", expected: "\(count) bytes of \(what())")
    }
    offset += count
  }

  mutating func number<Number: FixedWidthInteger>(
    _ what: @autoclosure () -> String, as: Number.Type = Number.self
  ) throws(GGUFError) -> Number {
    let start = offset
    try skip(MemoryLayout<Number>.size, what())
    return file.bytes.littleEndian(at: start, as: Number.self)
  }

  /// A 64-bit count of things that take at least `minimumBytes` each.
  mutating func count(
    _ what: @autoclosure () -> String, of minimumBytes: Int, atMost limit: Int
  ) throws(GGUFError) -> Int {
    let start = offset
    let number = try self.number(what(), as: UInt64.self)
    let most = min(limit, remaining / minimumBytes)
    guard number <= most else {
      throw malformed(.tooMany, at: start, found: "\(number) \(what())", expected: "at most \(most)")
    }
    return Int(number)
  }

  mutating func bool(_ what: @autoclosure () -> String) throws(GGUFError) -> Bool {
    let byte: UInt8 = try number(what())
    guard byte <= 1 else {
      throw malformed(.badBool, at: offset - 1, found: "\(byte) in \(what())", expected: "0 or 1")
    }
    return byte == 1
  }

  /// Where the bytes of a length-prefixed string lie.
  mutating func stringRange(_ what: @autoclosure () -> String) throws(GGUFError) -> Range<Int> {
    let length = try number(what(), as: UInt64.self)
    guard length <= remaining else {
      throw malformed(
        .truncated, at: offset - 8, found: "\(remaining) bytes", expected: "\(length) bytes of \(what())")
    }
    let start = offset
    offset += Int(length)
    return start..<offset
  }

  mutating func text(_ what: @autoclosure () -> String) throws(GGUFError) -> String {
    let range = try stringRange(what())
    guard let text = String(validating: file.bytes[range], as: UTF8.self) else {
      throw malformed(.badText, at: range.lowerBound, found: "other bytes in \(what())", expected: "UTF-8")
    }
    return text
  }

  /// A key or a tensor's name: short UTF-8 text that is not empty.
  mutating func name(_ what: @autoclosure () -> String, atMost limit: Int) throws(GGUFError) -> String {
    let start = offset
    let length = try number(what(), as: UInt64.self)
    guard length >= 1, length <= limit else {
      throw malformed(.badName, at: start, found: "a \(what()) of \(length) bytes", expected: "1 to \(limit)")
    }
    offset = start
    return try text(what())
  }

  /// Bytes of a tensor's data.
  func byteCount(
    of name: String, _ type: GGMLType, _ dimensions: [Int], at offset: Int
  ) throws(GGUFError) -> Int {
    do throws(TensorError) {
      return try type.byteCount(of: dimensions)
    } catch .badShape(let reason) {
      throw malformed(.partialBlock, at: offset, found: "dimensions \(dimensions) of \(name)", expected: reason)
    } catch {
      throw malformed(.sizeOverflow, at: offset, found: "dimensions \(dimensions) of \(name)", expected: "\(error)")
    }
  }
}

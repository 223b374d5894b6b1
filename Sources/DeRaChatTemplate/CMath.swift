import DeRaPlatform

/// The few functions of the C library that the standard library has no equal for.
enum CMath {
  static func power(_ base: Double, _ exponent: Double) -> Double {
    pow(base, exponent)
  }

  /// `value` with `precision` digits in the C notation `e`, `f` or `g`, correctly rounded.
  static func digits(_ value: Double, _ notation: Character, precision: Int) -> String {
    // The longest double has 309 digits before the point.
    var buffer = [CChar](repeating: 0, count: 400 + precision)
    let length = withVaList([Int32(clamping: precision), value]) { arguments in
      vsnprintf(&buffer, buffer.count, "%.*\(notation)", arguments)
    }
    return String(decoding: buffer.prefix(max(0, Int(length))).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}

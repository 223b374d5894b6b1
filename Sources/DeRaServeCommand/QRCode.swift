/// A QR code (ISO/IEC 18004) of a short text: bytes, versions 1 to 6, error correction level M.
package struct QRCode {
  /// Modules a side.
  package private(set) var size: Int
  /// Whether a module is dark, row by row.
  package private(set) var isDark: [Bool]
  /// Modules that hold no data: patterns, and what tells the mask.
  private var isFixed: [Bool]

  /// Codewords of data and of error correction in a block, and blocks, for versions 1 to 6 at level M (table 9).
  private static let forms = [(16, 10, 1), (28, 16, 1), (44, 26, 1), (32, 18, 2), (43, 24, 2), (27, 16, 4)]

  /// nil for a text of more than 106 bytes.
  package init?(_ text: String) {
    // The mode and the length take 12 bits, the end 4.
    let bytes = Array(text.utf8)
    guard let index = Self.forms.firstIndex(where: { $0.0 * $0.2 - 2 >= bytes.count }) else { return nil }
    size = 21 + 4 * index
    isDark = Array(repeating: false, count: size * size)
    isFixed = isDark
    drawPatterns()
    place(Self.codewords(bytes, Self.forms[index]))
    let masked = (0..<8).map(self.masked)
    self = masked.enumerated().min { ($0.element.penalty, $0.offset) < ($1.element.penalty, $1.offset) }!.element
  }

  // MARK: Codewords

  private static func codewords(_ bytes: [UInt8], _ form: (data: Int, correction: Int, blocks: Int)) -> [UInt8] {
    var data: [UInt8] = [0x40 | UInt8(bytes.count >> 4), UInt8(bytes.count & 15) << 4]
    for byte in bytes {
      data[data.count - 1] |= byte >> 4
      data.append(byte << 4)
    }
    let room = form.data * form.blocks - data.count
    data += (0..<room).map { $0 % 2 == 0 ? 0xEC : 0x11 }
    let blocks = (0..<form.blocks).map { Array(data[$0 * form.data..<($0 + 1) * form.data]) }
    let corrections = blocks.map { remainder($0, degree: form.correction) }
    return (0..<form.data).flatMap { index in blocks.map { $0[index] } }
      + (0..<form.correction).flatMap { index in corrections.map { $0[index] } }
  }

  /// The product in GF(256) modulo x⁸ + x⁴ + x³ + x² + 1.
  private static func product(_ a: UInt8, _ b: UInt8) -> UInt8 {
    var (a, b, sum) = (UInt16(a), b, UInt16(0))
    while b > 0 {
      if b & 1 == 1 { sum ^= a }
      a <<= 1
      if a > 255 { a ^= 0x11D }
      b >>= 1
    }
    return UInt8(sum)
  }

  /// Reed–Solomon: the remainder of the data divided by Π (x − 2ⁱ), i < degree.
  private static func remainder(_ data: [UInt8], degree: Int) -> [UInt8] {
    var generator: [UInt8] = [1]
    var root: UInt8 = 1
    for _ in 0..<degree {
      let times = generator.map { product($0, root) }
      generator.append(0)
      for (index, value) in times.enumerated() { generator[index + 1] ^= value }
      root = product(root, 2)
    }
    var rest = data + [UInt8](repeating: 0, count: degree)
    for start in data.indices where rest[start] != 0 {
      let factor = rest[start]
      for (index, value) in generator.enumerated() { rest[start + index] ^= product(value, factor) }
    }
    return Array(rest[data.count...])
  }

  // MARK: Modules

  private mutating func fix(_ row: Int, _ column: Int, _ dark: Bool) {
    guard (0..<size).contains(row), (0..<size).contains(column) else { return }
    isDark[row * size + column] = dark
    isFixed[row * size + column] = true
  }

  private mutating func drawPatterns() {
    for index in 0..<size {
      fix(6, index, index % 2 == 0)
      fix(index, 6, index % 2 == 0)
    }
    for (row, column) in [(3, 3), (3, size - 4), (size - 4, 3)] {
      drawSquares(row, column, radius: 4) { ![2, 4].contains($0) }
    }
    if size > 21 { drawSquares(size - 7, size - 7, radius: 2) { $0 != 1 } }
    drawFormat(mask: 0)
  }

  /// Squares around a module; `isDark` gets their distance from it.
  private mutating func drawSquares(_ row: Int, _ column: Int, radius: Int, _ isDark: (Int) -> Bool) {
    for down in -radius...radius {
      for right in -radius...radius { fix(row + down, column + right, isDark(max(abs(down), abs(right)))) }
    }
  }

  /// The level (M: 00) and the mask with their BCH code, twice, and the module that is always dark.
  private mutating func drawFormat(mask: Int) {
    var rest = mask << 10
    for bit in stride(from: 12, through: 10, by: -1) where rest >> bit & 1 == 1 { rest ^= 0x537 << (bit - 10) }
    let format = (mask << 10 | rest) ^ 0x5412
    for bit in 0..<15 {
      let dark = format >> bit & 1 == 1
      switch bit {
      case ..<6: fix(bit, 8, dark)
      case 6, 7: fix(bit + 1, 8, dark)
      case 8: fix(8, 7, dark)
      default: fix(8, 14 - bit, dark)
      }
      if bit < 8 { fix(8, size - 1 - bit, dark) } else { fix(size - 15 + bit, 8, dark) }
    }
    fix(size - 8, 8, true)
  }

  /// Writes the bits in columns of two from the right, upwards and downwards in turn.
  private mutating func place(_ codewords: [UInt8]) {
    var bit = 0
    var isUpward = true
    for right in stride(from: size - 1, through: 1, by: -2).map({ $0 <= 6 ? $0 - 1 : $0 }) {
      for step in 0..<size {
        let row = isUpward ? size - 1 - step : step
        for module in [row * size + right, row * size + right - 1] where !isFixed[module] {
          if bit < codewords.count * 8 { isDark[module] = codewords[bit / 8] >> (7 - bit % 8) & 1 == 1 }
          bit += 1
        }
      }
      isUpward.toggle()
    }
  }

  private func masked(_ mask: Int) -> QRCode {
    var code = self
    for row in 0..<size {
      for column in 0..<size where !isFixed[row * size + column] {
        let product = row * column
        let isChanged =
          switch mask {
          case 0: (row + column) % 2 == 0
          case 1: row % 2 == 0
          case 2: column % 3 == 0
          case 3: (row + column) % 3 == 0
          case 4: (row / 2 + column / 3) % 2 == 0
          case 5: product % 2 + product % 3 == 0
          case 6: (product % 2 + product % 3) % 2 == 0
          default: ((row + column) % 2 + product % 3) % 2 == 0
          }
        if isChanged { code.isDark[row * size + column].toggle() }
      }
    }
    code.drawFormat(mask: mask)
    return code
  }

  /// How hard the code is to read (section 7.8.3): long runs, squares of one colour, what looks like a corner, imbalance.
  private var penalty: Int {
    let rows = (0..<size).map { row in (0..<size).map { isDark[row * size + $0] } }
    let columns = (0..<size).map { column in (0..<size).map { isDark[$0 * size + column] } }
    var sum = 0
    for line in rows + columns {
      var run = 1
      for index in 1...size {
        if index < size && line[index] == line[index - 1] {
          run += 1
          continue
        }
        if run >= 5 { sum += run - 2 }
        run = 1
      }
      sum += 40 * Self.corners(line)
    }
    for (above, below) in zip(rows, rows.dropFirst()) {
      for column in 1..<size
      where above[column] == above[column - 1] && above[column] == below[column] && above[column] == below[column - 1] {
        sum += 3
      }
    }
    return sum + 10 * (abs(isDark.count { $0 } * 20 - isDark.count * 10) / isDark.count)
  }

  /// How often 1:1:3:1:1 stands beside four light modules.
  private static func corners(_ line: [Bool]) -> Int {
    let pattern = [true, false, true, true, true, false, true]
    func isLight(_ range: Range<Int>) -> Bool { range.allSatisfy { !line.indices.contains($0) || !line[$0] } }
    return (0...line.count - 7).count { start in
      line[start..<start + 7].elementsEqual(pattern) && (isLight(start - 4..<start) || isLight(start + 7..<start + 11))
    }
  }
}

extension QRCode {
  /// The code for a terminal, two rows of modules to a line, with its light margin.
  package var text: String {
    let margin = 2
    func dark(_ row: Int, _ column: Int) -> Bool {
      (0..<size).contains(row) && (0..<size).contains(column) && isDark[row * size + column]
    }
    let range = -margin..<size + margin
    return stride(from: range.lowerBound, to: range.upperBound, by: 2).map { row in
      let line = range.map { column in
        switch (dark(row, column), dark(row + 1, column)) {
        case (true, true): "█"
        case (true, false): "▀"
        case (false, true): "▄"
        case (false, false): " "
        }
      }
      // Black on white, whatever the terminal's colours are.
      return "\u{1B}[30;107m\(line.joined())\u{1B}[0m"
    }.joined(separator: "\n")
  }
}

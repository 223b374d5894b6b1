import DeRaCheckpoints
import Testing

@Suite struct HuggingFaceSafetensorsTests {
  private let files: TemporaryFiles

  init() throws { files = try TemporaryFiles() }

  private func error(_ header: String, data: Int) throws -> CheckpointError {
    let path = try files.write(
      "x.safetensors", safetensorsBytes(header: header, data: Array(repeating: 0, count: data)))
    return try checkpointError { try Safetensors(path: path) }
  }

  @Test func readsRowsOfAllThreeFormats() throws {
    let header = """
      {"__metadata__":{"format":"pt"},"f":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},\
      "h":{"dtype":"F16","shape":[2,1],"data_offsets":[16,20]},"b":{"dtype":"BF16","shape":[3],"data_offsets":[20,26]}}
      """
    let data: [UInt8] = [
      0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x40, 0, 0, 0xc0, 0x7f, 0x00, 0x3c, 0x01, 0x80, 0x80, 0x3f, 0x40, 0xc0,
      0x80, 0x7f,
    ]
    let file = try Safetensors(path: files.write("x.safetensors", safetensorsBytes(header: header, data: data)))
    #expect(file.entries.map(\.name) == ["f", "h", "b"])
    func values(_ name: String) throws -> [Float] { try file.tensor(#require(file[name])).readAll() }
    let single = try values("f")
    #expect(single.prefix(3) == [1, -2, 2] && single[3].isNaN)
    #expect(try values("h") == [1, -0x1p-24])
    #expect(try values("b") == [1, -3, .infinity])
    let tensor = try file.tensor(#require(file["f"]))
    var row: [Float] = [0, 0]
    try row.withUnsafeMutableBufferPointer { try tensor.read(rows: 1..<2, into: $0) }
    tensor.release()
    #expect(row[0] == 2)
  }

  @Test func everyHalfIsConvertedExactly() {
    for bits in UInt16.min...UInt16.max {
      let expected = Float(Float16(bitPattern: bits))
      let value = FloatConversion.half(bits)
      #expect(value == expected || (value.isNaN && expected.isNaN), "\(bits)")
    }
  }

  @Test func readingOutsideTheTensorIsRefused() throws {
    let header = #"{"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}"#
    let file = try Safetensors(
      path: files.write("x.safetensors", safetensorsBytes(header: header, data: Array(repeating: 0, count: 16))))
    let tensor = try file.tensor(#require(file["a"]))
    var small = [Float](repeating: 0, count: 3)
    try small.withUnsafeMutableBufferPointer { buffer in
      _ = try checkpointError { try tensor.read(rows: 0..<2, into: buffer) }
      _ = try checkpointError { try tensor.read(rows: 2..<3, into: buffer) }
    }
  }

  @Test func truncationAtEveryByteIsRefused() throws {
    let header = #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
    let whole = safetensorsBytes(header: header, data: Array(repeating: 0, count: 8))
    _ = try Safetensors(path: files.write("x.safetensors", whole))
    for length in whole.indices {
      let path = try files.write("x.safetensors", Array(whole.prefix(length)))
      _ = try checkpointError { try Safetensors(path: path) }
    }
  }

  @Test(arguments: [UInt64(100_000_001), 1 << 62, UInt64.max, 60])
  func headerLengthBeyondFileOrCapIsRefused(length: UInt64) throws {
    let bytes = withUnsafeBytes(of: length.littleEndian) { Array($0) } + Array("{}".utf8)
    let path = try files.write("x.safetensors", bytes)
    #expect(try checkpointError { try Safetensors(path: path) }.subject == "byte 0")
  }

  @Test func gapIsRefused() throws {
    let error = try error(
      #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[5,9]}}"#,
      data: 9)
    #expect(error.subject == "b")
  }

  @Test func overlapIsRefused() throws {
    let error = try error(
      #"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[3,7]}}"#,
      data: 7)
    #expect(error.subject == "b")
  }

  @Test func bytesAfterTheLastTensorAreRefused() throws {
    let error = try error(#"{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}"#, data: 5)
    #expect(error.problem.contains("1 bytes follow"))
  }

  @Test func duplicateNameIsRefused() throws {
    let entry = #"{"dtype":"U8","shape":[0],"data_offsets":[0,0]}"#
    #expect(try error(#"{"a":\#(entry),"a":\#(entry)}"#, data: 0).problem.contains("duplicate key \"a\""))
    #expect(try error("{\"\u{e9}\":\(entry),\"e\u{301}\":\(entry)}", data: 0).problem.contains("duplicate"))
  }

  @Test(arguments: [
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775807]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#,
    #"{"a":{"dtype":"F4","shape":[9],"data_offsets":[0,4]}}"#,
    #"{"a":{"shape":[1],"data_offsets":[0,4]}}"#,
    #"{"a":[]}"#,
    #"{"__metadata__":{"a":1}}"#,
    "[]", "{", "\u{0}\u{0}",
  ])
  func malformedHeaderIsRefused(header: String) throws {
    _ = try error(header, data: 4)
  }

  @Test func unknownElementTypeIsNamed() throws {
    let error = try error(#"{"a":{"dtype":"Q7","shape":[4],"data_offsets":[0,4]}}"#, data: 4)
    #expect(error.subject == "a")
    #expect(error.problem.contains("\"Q7\""))
  }

  @Test func weightsOfAnotherElementTypeAreNamed() throws {
    let header = #"{"a":{"dtype":"I8","shape":[4],"data_offsets":[0,4]}}"#
    let file = try Safetensors(
      path: files.write("x.safetensors", safetensorsBytes(header: header, data: [0, 0, 0, 0])))
    let entry = try #require(file["a"])
    #expect(try checkpointError { try file.tensor(entry) }.problem.contains("I8"))
  }

  @Test func metadataMayBeNull() throws {
    let header = #"{"__metadata__":null,"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#
    let bytes = withUnsafeBytes(of: (1.0 / 3).bitPattern.littleEndian) { Array($0) }
    let file = try Safetensors(path: files.write("x.safetensors", safetensorsBytes(header: header, data: bytes)))
    #expect(try file.tensor(#require(file["a"])).readAll() == [Float(1.0 / 3)])
  }

  /// float8.json was made with PyPI's ml_dtypes.
  @Test(arguments: [("e4m3", FloatConversion.e4m3), ("e5m2", FloatConversion.e5m2), ("e8m0", FloatConversion.e8m0)])
  func everyCodeOfEightBits(format: String, table: [Float]) throws {
    let expected = try #require(CheckpointFile.json("\(Fixtures.checkpoints)/float8.json")[format]?.array)
    #expect(table.count == 256 && expected.count == 256)
    for (value, expected) in zip(table, expected) {
      switch expected {
      case .null: #expect(value.isNaN)
      case .string(let text): #expect(value == (text == "inf" ? .infinity : -.infinity))
      default:
        #expect(
          value == expected.double.map { Float($0) } && (value.sign == .minus) == (expected.double?.sign == .minus))
      }
    }
  }

  /// One-byte tensors are the most a file can hold; they are refused before they take much memory.
  @Test func tensorsAreCounted() throws {
    let entry = #"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}"#
    let header = "{" + (0...1 << 17).map { "\"\($0)\(entry)" }.joined(separator: ",") + "}"
    #expect(try error(header, data: 1).problem == "more than 131072 tensors")
  }

  @Test func randomDamageNeverCrashes() throws {
    let header = """
      {"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]}}
      """
    let whole = safetensorsBytes(header: header, data: Array(repeating: 1, count: 32))
    var random = SeededRandom(seed: 2)
    for _ in 0..<3000 {
      var damaged = whole
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let digits = Array("0123456789-[]{},.\"e".utf8)
        damaged[Int.random(in: 0..<140, using: &random)] =
          Bool.random(using: &random)
          ? digits.randomElement(using: &random)! : UInt8.random(in: 0...255, using: &random)
      }
      let path = try files.write("x.safetensors", damaged)
      guard let file = try? Safetensors(path: path) else { continue }
      for entry in file.entries { _ = try? file.tensor(entry).readAll() }
    }
  }
}

import DeRa
import DeRaCheckpoints
import DeRaConversion
import DeRaPlatform
import DeRaTestSupport

/// A tiny checkpoint and what transformers gives its matrices; made by Tests/Fixtures/goldens/generate_inputs.py.
struct GoldenInputs {
  let tokens: [Int32]
  let reference: NamedCheckpoint
  private let path: String

  init(_ name: String) throws {
    path = Fixtures.goldens + "/" + name
    reference = NamedCheckpoint(name: "reference", checkpoint: try Checkpoint.open(path: path))
    let golden = try Safetensors(path: path + "/golden.safetensors")
    tokens = try golden["tokens"].map { try golden.tensor($0).readAll().map { Int32($0) } } ?? []
  }

  /// `[tokens][columns]` of the input of a matrix; nil where none was stored.
  func inputs(of matrix: String) throws -> [[Float]]? {
    let stored = try Safetensors(path: path + "/golden-inputs.safetensors")
    let name = matrix == "token_embd.weight" ? "output" : String(matrix.dropLast(".weight".count))
    guard let entry = stored[name] else { return nil }
    let source = try stored.tensor(entry)
    let values = try source.readAll()
    return (0..<source.rows).map { Array(values[$0 * source.columns..<($0 + 1) * source.columns]) }
  }

  func convert(_ options: ConversionOptions, _ statistics: CalibrationStatistics?, to path: String) async throws {
    let converter = try Converter(reference: reference, aligned: [], options: options, calibration: statistics)
    _ = try await converter.convert(to: path) { _ in }
  }

  /// The case in 16 bits.
  func bundle() async throws -> ModelBundle {
    let directory = try TemporaryDirectory()
    try await convert(ConversionOptions(bits: .sixteen), nil, to: directory.file("bundle.dera"))
    return try ModelBundle(path: directory.file("bundle.dera"))
  }
}

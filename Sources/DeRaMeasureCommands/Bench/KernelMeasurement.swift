import DeRaEvaluation
import DeRaKernels
import DeRaText

/// One row of `dera bench --isa`: the kernels of one instruction set for one codec. Rates are medians; nil where this
/// machine has no such kernels.
package struct KernelMeasurement: Encodable {
  package var instructionSet: String
  package var isSupported = false
  package var codec: String?
  package var threads: Int?
  /// Bytes of weights a second in units of 10⁹, applied to one column and to two.
  package var oneColumn: Double?
  package var twoColumns: Double?
  /// The same for reading alone.
  package var readLimit: Double?
  /// Multiplications and additions a second in units of 10⁹, with 64 columns.
  package var manyColumns: Double?

  enum CodingKeys: String, CodingKey {
    case codec, threads
    case instructionSet = "isa"
    case isSupported = "supported"
    case oneColumn = "gb_per_s_1"
    case twoColumns = "gb_per_s_2"
    case readLimit = "read_gb_per_s"
    case manyColumns = "gop_per_s_64"
  }

  package init(instructionSet: String) { self.instructionSet = instructionSet }

  package static func table(_ measurements: [KernelMeasurement]) -> Table {
    var table = Table([
      .init("isa", .left), .init("weights", .left), .init("threads"), .init("1 column, GB/s"), .init("2 columns, GB/s"),
      .init("reading, GB/s"), .init("1 column / reading"), .init("64 columns, GOP/s"),
    ])
    table.rows = measurements.map { row in
      guard row.isSupported else {
        return [row.instructionSet, "not on this machine"] + Array(repeating: "", count: 6)
      }
      let share = row.oneColumn.flatMap { one in row.readLimit.map { one / $0 * 100 } }
      return [
        row.instructionSet, row.codec ?? "", row.threads.map { "\($0)" } ?? "", text(row.oneColumn),
        text(row.twoColumns),
        text(row.readLimit), share.map { "\(fixed($0, 0)) %" } ?? "", text(row.manyColumns),
      ]
    }
    return table
  }

  private static func text(_ value: Double?) -> String { value.map { fixed($0, 1) } ?? "" }
}

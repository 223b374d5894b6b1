/// How far a conversion is.
package struct ConversionProgress: Sendable, Equatable {
  /// The phases of a conversion, in order.
  package enum Phase: String, Sendable, CaseIterable {
    /// Checksums of the input files.
    case hashing
    /// Looking for tensors that models can share.
    case comparing
    /// Running the reference over a text to see what its matrices are given; counted in bytes of weights.
    case calibrating
    /// Trying ways to store the matrices, for a plan.
    case weighing
    /// Packing and writing.
    case packing
    /// Running a bundle on a text, to see how far it is from full precision; counted in tokens.
    case measuring
  }

  package var phase: Phase
  /// The file or tensor at hand.
  package var item: String
  /// Bytes of this phase done: of the input files when hashing, of the bundle otherwise.
  package var done: Int
  package var total: Int

  package init(phase: Phase, item: String, done: Int, total: Int) {
    self.phase = phase
    self.item = item
    self.done = done
    self.total = total
  }
}

/// Called now and then, from one task at a time; what it throws ends the conversion.
package typealias ConversionProgressHandler = @Sendable (ConversionProgress) throws -> Void

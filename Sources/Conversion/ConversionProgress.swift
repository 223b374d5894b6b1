/// How far a conversion is.
public struct ConversionProgress: Sendable, Equatable {
  /// What is being done, in order.
  public enum Phase: String, Sendable, CaseIterable {
    /// Checksums of the input files.
    case hashing
    /// Looking for tensors that models can share.
    case comparing
    /// Packing and writing.
    case packing
  }

  public var phase: Phase
  /// The file or tensor at hand.
  public var item: String
  /// Bytes of this phase done: of the input files when hashing, of the bundle otherwise.
  public var done: Int
  public var total: Int
}

/// Called now and then, from one task at a time; what it throws ends the conversion.
public typealias ConversionProgressHandler = @Sendable (ConversionProgress) throws -> Void

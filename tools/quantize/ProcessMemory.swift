import DeRaPlatform

/// The system's figures for this process.
enum ProcessMemory {
  /// Largest resident memory so far, pages of mapped files included.
  static var peakBytes: Int? {
    var usage = rusage()
    // The C library declares the constant with another type than the parameter; it is 0 in all of them.
    guard getrusage(0, &usage) == 0 else { return nil }
    return Int(usage.ru_maxrss) * 1024
  }
}

import ArgumentParser
import DeRa
import DeRaKernels

/// How many threads compute.
package struct ThreadsOption: ParsableArguments {
  @Option(name: Threads.name, parsing: .unconditional, help: Threads.help(valueName: "count"))
  package var count: Int?

  package init() {}

  package func validate() throws {
    if let count { try Threads.check([count]) }
  }

  /// Threads for jobs that the calling thread starts.
  package func pool() -> ThreadPool { Threads.pool(count) }
}

/// Several numbers of threads, to be compared.
package struct ThreadCountsOption: ParsableArguments {
  @Option(name: Threads.name, parsing: .unconditional, help: Threads.help(valueName: "list"))
  var list: String?

  package init() {}

  package func validate() throws { _ = try counts() }

  /// One for every fast core unless others are given.
  package func counts() throws -> [Int] {
    try list.map { try counted(list: $0, of: "--threads", in: SessionLimits.threads) } ?? [Threads.usual]
  }
}

/// The numbers of a list such as `1,2,4`, each given once.
/// - Throws: `ValidationError` naming `option`.
package func counted(list: String, of option: String, in range: ClosedRange<Int>) throws -> [Int] {
  var numbers: [Int] = []
  for part in list.split(separator: ",", omittingEmptySubsequences: false) {
    guard let number = Int(part), range.contains(number) else {
      throw ValidationError(
        "\(option) takes numbers from \(range.lowerBound) to \(range.upperBound), such as 1,2, not '\(part)'")
    }
    guard !numbers.contains(number) else { throw ValidationError("\(option) gives \(number) twice; leave out one") }
    numbers.append(number)
  }
  return numbers
}

/// The rules of `--threads` in every program.
package enum Threads {
  static let name: NameSpecification = [.customShort("t"), .customLong("threads")]

  static func help(valueName: String) -> ArgumentHelp {
    ArgumentHelp("Threads (default: one for every fast core).", valueName: valueName)
  }

  /// Cores that this process should use.
  package static var usual: Int { Processors.current.threads }

  /// - Throws: `ValidationError` for a count that no machine has.
  static func check(_ counts: [Int]) throws {
    let limits = SessionLimits.threads
    guard counts.allSatisfy(limits.contains) else {
      throw ValidationError("--threads must be from \(limits.lowerBound) to \(limits.upperBound)")
    }
  }

  /// - Parameter count: nil for one a core. More than there are processors are warned of.
  package static func pool(_ count: Int?) -> ThreadPool {
    let processors = Processors.current
    if let count, count > processors.allowed.count {
      Output.warning(
        "\(count) threads on \(processors.allowed.count) processors wait for each other and are much slower than "
          + "\(processors.threads); leave out --threads for that many")
    }
    let pool = ThreadPool(threads: count ?? processors.threads, processors: processors)
    pool.placeCaller()
    return pool
  }
}

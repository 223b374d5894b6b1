internal import CDeRaKernels
import DeRaTensorCore

/// The numerical work of a decoder: kernels of one instruction set, run by one pool of threads.
///
/// Nothing here allocates. Results depend neither on the instruction set nor on the number of threads nor on which
/// columns are computed together. All pointers must stay valid and outputs must not be touched until a call returns.
package struct Engine: @unchecked Sendable {
  package let instructionSet: InstructionSet
  package let pool: ThreadPool
  /// The coding of the inputs of layers' matrices; nil: as the weights ask for.
  package let activations: ActivationCoding?
  let kernels: UnsafePointer<ck_kernels>

  /// - Throws: `InstructionSetError` when this machine lacks the instruction set.
  package init(instructionSet: InstructionSet, pool: ThreadPool, activations: ActivationCoding? = nil)
    throws(InstructionSetError)
  {
    guard let kernels = instructionSet.kernels else { throw InstructionSetError(name: instructionSet.rawValue) }
    self.instructionSet = instructionSet
    self.pool = pool
    self.activations = activations
    self.kernels = kernels
  }

  /// The instruction set that `DERA_ISA` names, or this machine's fastest.
  /// - Throws: `InstructionSetError` when `DERA_ISA` names one that this machine lacks.
  package init(pool: ThreadPool, activations: ActivationCoding? = nil) throws(InstructionSetError) {
    try self.init(instructionSet: InstructionSet.selected(), pool: pool, activations: activations)
  }
}

/// Work done column by column.
protocol ColumnJob: ParallelJob {
  var columns: Int { get }
  var chunks: Int { get }
  func run(column: Int, thread: Int)
}

extension ColumnJob {
  func run(chunk: Int, thread: Int) {
    for column in (columns * chunk / chunks)..<(columns * (chunk + 1) / chunks) { run(column: column, thread: thread) }
  }
}

extension Engine {
  /// Elements below which waking a second thread costs more than it gains.
  private static let elementsWorthAThread = 8192

  /// Pieces to cut `items` pieces of work of `elements` each into: one where that is quicker.
  func chunks(items: Int, elements: Int) -> Int {
    let worthwhile = items * elements / Self.elementsWorthAThread
    return max(min(items, worthwhile, pool.threads * 4), 1)
  }
}

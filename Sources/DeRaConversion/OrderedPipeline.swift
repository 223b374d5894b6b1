/// Produces `count` values in several tasks and hands them on in order; at most `width` of them are under way or waiting
/// at any time, so memory stays bounded.
///
/// - Throws: what `produce` or `consume` throws first; everything else is then given up.
package func inOrder<Value: Sendable>(
  count: Int, width: Int, produce: @escaping @Sendable (Int) throws -> Value, consume: (Value) throws -> Void
) async throws {
  try await withThrowingTaskGroup(of: (Int, Value).self) { group in
    var started = 0
    var consumed = 0
    var waiting: [Int: Value] = [:]
    while consumed < count {
      while started < min(count, consumed + width) {
        let index = started
        group.addTask {
          try Task.checkCancellation()
          return (index, try produce(index))
        }
        started += 1
      }
      guard let (index, value) = try await group.next() else { return }
      waiting[index] = value
      while let value = waiting.removeValue(forKey: consumed) {
        try consume(value)
        consumed += 1
      }
    }
  }
}

import DeRaConversion
import Synchronization
import Testing

@Suite("Ordered pipeline")
struct PipelineTests {
  @Test("values arrive in order and no more than the width are made ahead", arguments: [1, 2, 7])
  func order(width: Int) async throws {
    let started = Atomic(0)
    var received: [Int] = []
    var ahead = 0
    try await inOrder(count: 100, width: width) { index in
      started.add(1, ordering: .sequentiallyConsistent)
      return index
    } consume: { value in
      ahead = max(ahead, started.load(ordering: .sequentiallyConsistent) - received.count)
      received.append(value)
    }
    #expect(received == Array(0..<100))
    #expect(ahead <= width)
  }

  @Test("nothing to do")
  func empty() async throws {
    try await inOrder(count: 0, width: 3) {
      $0
    } consume: { _ in
      Issue.record("there is nothing to consume")
    }
  }

  @Test("the first error ends it")
  func failure() async {
    struct Failure: Error {}
    await #expect(throws: Failure.self) {
      try await inOrder(count: 50, width: 3) {
        if $0 == 20 { throw Failure() }
      } consume: { _ in
      }
    }
    await #expect(throws: Failure.self) {
      try await inOrder(count: 50, width: 3) {
        $0
      } consume: {
        if $0 == 20 { throw Failure() }
      }
    }
  }
}

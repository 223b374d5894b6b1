// A service that answers many callers at once and lets them go when they have had enough: swift run -c release AsyncService BUNDLE
import DeRa

/// Any number of callers; four answers are computed together, the others wait for their turn.
actor StoryService {
  private let batch: Batch
  private(set) var told = 0

  init(bundle: ModelBundle) throws { batch = try bundle.batch(sequences: 4, context: 256) }

  func story(about hero: String, brevity: Double) async throws -> String {
    let options = GenerationOptions(temperature: 0.8, seed: 3, maxTokens: 60)
    let answer = try await batch.answer(.text("Once there was a \(hero)."), lambda: Lambda(brevity), options: options)
    told += 1
    return answer.text
  }
}

@main struct AsyncService {
  static func main() async throws {
    guard CommandLine.arguments.count >= 2 else { return print("usage: swift run -c release AsyncService BUNDLE") }
    let service = try StoryService(bundle: ModelBundle(path: CommandLine.arguments[1]))
    try await withThrowingTaskGroup { group in
      for (index, hero) in ["dog", "girl", "king", "bird", "cat", "boy"].enumerated() {
        group.addTask { "\(hero): \(try await service.story(about: hero, brevity: Double(index) / 3))" }
      }
      for try await story in group { print(story, "\n") }
    }

    // A caller that leaves: the computation stops within a step, and its sequence is free for others.
    let impatient = Task { try await service.story(about: "dragon", brevity: 0) }
    impatient.cancel()
    do { _ = try await impatient.value } catch is CancellationError { print("the impatient caller has left") }
    print("\(await service.told) stories told")
  }
}

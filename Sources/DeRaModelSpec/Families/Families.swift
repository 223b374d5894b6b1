extension Architecture {
  /// Every family that can be converted and run; `docs/how-to/add-an-architecture.md` says how to add one.
  package static let all: [Architecture] = [.llama, .qwen2, .qwen3, .olmo2, .gemma3]
}

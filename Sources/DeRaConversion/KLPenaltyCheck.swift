import DeRaCheckpoints

/// Signs that λ does not mean for a pair what decoding-time realignment says: a strength of the KL penalty.
///
/// That needs an aligned model trained from the reference with a KL penalty towards it. No file proves it; these are signs to
/// the contrary. How far the weights are apart is `PairSummary`'s.
enum KLPenaltyCheck {
  /// Methods, by the tag that trainers leave on a model card, whose loss has a KL penalty towards the reference or follows
  /// from one.
  private static let penalised: Set<String> = [
    "dpo", "online-dpo", "ppo", "kto", "ipo", "rloo", "grpo", "xpo", "nash-md", "rlhf",
  ]
  /// Methods without a reference model in their loss.
  private static let unpenalised: Set<String> = ["orpo", "simpo", "cpo", "sft", "gkd", "reward-trainer"]

  static func warnings(_ models: [NamedCheckpoint]) -> [String] {
    models.dropFirst().flatMap { [method($0), template($0, models[0])].compactMap { $0 } }
  }

  private static func method(_ model: NamedCheckpoint) -> String? {
    let tags = Set(model.checkpoint.tags)
    guard tags.isDisjoint(with: penalised), let method = tags.intersection(unpenalised).min() else { return nil }
    return
      "the model card of \(model.name) says \(method), which has no KL penalty towards a reference; "
      + "between such models λ is a heuristic, not a strength of the penalty"
  }

  private static func template(_ model: NamedCheckpoint, _ reference: NamedCheckpoint) -> String? {
    guard let own = model.checkpoint.chatTemplate, let other = reference.checkpoint.chatTemplate, own != other else {
      return nil
    }
    return
      "the chat template of \(model.name) is not the reference's, which the bundle takes; the two models were not "
      + "trained on the same prompts, so λ between them is a heuristic"
  }
}

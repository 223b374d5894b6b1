/// Log-probabilities: of a prompt's tokens, and of an answer's under each model by itself.
extension AnswerLoop {
  /// Computes a stretch of one prompt whose log-probabilities are wanted; prompts take turns.
  func scorePrompt(_ body: (_ place: Int, _ progress: Progress) throws -> Void) throws {
    func waits(_ place: Int) -> Bool { places[place]?.scores == true }
    guard
      let place = places.indices.first(where: { $0 > lastScored && waits($0) }) ?? places.indices.first(where: waits),
      let realignment = places[place]?.realignment
    else { return }
    lastScored = place
    let prompt = batch.sequences[place].tokens
    let count = places[place]?.logprobs ?? 0
    var found: [TokenLogprobs] = []
    let computed = try batch.sequences[place].score(realignment) { position, logits in
      guard position + 1 < prompt.count else { return }
      row.keep(logits, top: count)
      found.append(row.logprobs(of: prompt[position + 1]))
    }
    if computed == prompt.count { places[place]?.scores = false }
    try body(place, Progress(promptLogprobs: found))
  }

  /// Asks every model by itself about the tokens drawn, where that is wanted, and makes them part of their answers.
  ///
  /// Models of the blend have what they need. The others run alone, so that the blend's bits are what they are without.
  func explain(_ body: (_ place: Int, _ progress: Progress) throws -> Void) throws {
    guard places.contains(where: { $0?.drawn != nil }) else { return }
    let models = places.lazy.compactMap { $0?.realignment.weights.count }.max() ?? 0
    for model in 0..<max(models, 2) {
      for isBlended in [true, false] {
        for place in places.indices {
          wanted[place] = places[place].flatMap { answer in
            answer.drawn != nil && answer.asks == model && model < voices(place)
              ? question(answer, model, hasReference: batch.sequences[place].reference != nil, isBlended) : nil
          }
        }
        guard wanted.contains(where: { $0 != nil }) else { continue }
        try batch.logits(wanted, of: isBlended ? model : nil) { place, logits in
          places[place]?.drawn?.logprobs?.add(model: UnsafeBufferPointer(logits))
          places[place]?.asks += 1
        }
      }
    }
    for place in places.indices {
      guard let drawn = places[place]?.drawn, places[place]?.asks == voices(place) else { continue }
      try commit(drawn, place, body)
    }
  }

  /// The number of voices that are asked by themselves: the models, or the reference prompt and the prompt.
  private func voices(_ place: Int) -> Int {
    batch.sequences[place].reference != nil ? 2 : places[place]?.realignment.weights.count ?? 0
  }

  /// The λ under which a voice is asked; nil where it is asked in the other way.
  private func question(_ answer: Place, _ voice: Int, hasReference: Bool, _ isBlended: Bool) -> Realignment? {
    if hasReference { return isBlended ? nil : Realignment(lambdas: answer.realignment.lambdas, prompt: Float(voice)) }
    guard (answer.realignment.weights[voice] != 0) == isBlended else { return nil }
    return isBlended ? answer.realignment : answer.realignment.alone(voice)
  }
}

extension Realignment {
  /// One model by itself; 0 is the reference.
  func alone(_ model: Int) -> Realignment {
    Realignment(lambdas: lambdas.indices.map { $0 + 1 == model ? 1 : 0 })
  }
}

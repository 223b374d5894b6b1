import DeRaTransformer

/// The models that the sessions of a workspace run, as one decoder.
///
/// Blending logits, these are the bundle's own, common to all sessions. Blending weights, every session has models that
/// are mixtures of them: one, or one for each λ that it keeps at the same time.
final class SessionModels {
  let bundle: ModelBundle
  let blend: Blend
  let sessions: Int
  /// Models, and so KV caches, of a session.
  let perSession: Int
  /// `[sessions · perSession]`: the λ of every mixture; empty when logits are blended.
  private var mixed: [Realignment]
  private var current: Decoder
  private var isStale = false

  /// - Parameter mixtures: λ that a session keeps at the same time when weights are blended.
  init(_ bundle: ModelBundle, sessions: Int, blend: Blend, mixtures: Int) {
    self.bundle = bundle
    self.blend = blend
    self.sessions = sessions
    switch blend {
    case .logits:
      perSession = bundle.decoder.models.count
      mixed = []
      current = bundle.decoder
    case .weights:
      perSession = mixtures
      let aligned = bundle.decoder.models.count - 1
      // Of a λ that leaves nothing out, so that whoever makes room for these has room for all.
      let start = Realignment(lambdas: [Float](repeating: 1 / Float(aligned + 1), count: aligned))
      mixed = [Realignment](repeating: start, count: sessions * mixtures)
      current = Self.decoder(bundle, mixed)
    }
  }

  /// The decoder that runs next.
  var decoder: Decoder {
    if isStale { current = Self.decoder(bundle, mixed) }
    isStale = false
    return current
  }

  /// The decoder's number of a session's first model.
  func first(of session: Int) -> Int { blend == .logits ? 0 : session * perSession }

  /// Makes a mixture that of a λ.
  /// - Returns: whether it was another's before: what was computed with it is then void.
  func mix(_ realignment: Realignment, at model: Int) -> Bool {
    if mixed[model] == realignment { return false }
    mixed[model] = realignment
    isStale = true
    return true
  }

  /// The λ of a mixture.
  func realignment(at model: Int) -> Realignment { mixed[model] }

  private static func decoder(_ bundle: ModelBundle, _ mixed: [Realignment]) -> Decoder {
    var made: [Realignment: ModelWeights] = [:]
    let models = mixed.map { realignment in
      let model =
        made[realignment]
        ?? ModelWeights(
          blending: bundle.decoder.models, lambdas: realignment.lambdas, bundle.configuration)
      made[realignment] = model
      return model
    }
    return Decoder(
      configuration: bundle.configuration, models: models, activations: bundle.manifest.activations)
  }
}

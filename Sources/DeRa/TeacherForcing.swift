import DeRaKernels
import DeRaPlatform
import DeRaTensorCore
import DeRaTransformer

/// The logits of a given text, position by position, under any number of λ, from one pass over each model.
///
/// The output matrix is applied once a position and model, whatever the number of λ; a λ costs one sum over the vocabulary,
/// h(λ) = h_ref + Σ λ·(h_m − h_ref). Where models share that matrix the difference is taken before it, of their final hidden
/// states, so that λ does not amplify the rounding of its input. Blends therefore differ from `DecodingSession.logits`, which
/// applies the matrix to the blend, by rounding only; with `asDecoding` they do not, and the matrix is applied for every λ.
///
/// Models run as decoding runs them: beside the reference for a λ that uses it, else by themselves. A model that is needed
/// in both ways runs twice.
///
/// Where the session blends weights, every λ is a model of its own; they are run side by side, the matrices read once.
package final class TeacherForcing {
  package let realignments: [Realignment]
  package let vocabularySize: Int

  private let session: DecodingSession
  /// Ordered by model.
  private let forms: [ModelForm]
  /// `[forms]`
  private let caches: [KVCache]
  /// `[realignments]`: how each is made of the rows below.
  private let recipes: [Recipe]
  /// `[forms]`: logits `[block, vocabulary]`, nil where no λ needs them.
  private let own: [LogitRows?]
  /// `[forms]`: logits minus the reference's; nil where no λ needs them.
  private let directions: [LogitRows?]
  /// `[realignments]`: logits `[block, vocabulary]` of blends as decoding makes them; nil where there are none.
  private let blends: [LogitRows?]
  private var end = 0
  /// Positions of the last pass over the models, and of the last block.
  private var pass = 0..<0
  private var block = 0..<0

  /// The logits of a λ: a row of `own`, plus λ times rows of `own` or `directions`.
  private struct Recipe {
    /// nil: zero.
    var base: Int?
    var addends: [(form: Int, lambda: Float)] = []
    /// Whether the addends are directions.
    var isDirected = false

    /// The weights of a blend of hidden states.
    /// - Parameter base: the reference's.
    func terms(base weight: Float) -> [(form: Int, weight: Float)] {
      (base.map { [($0, weight)] } ?? []) + addends.map { ($0.form, $0.lambda) }
    }
  }

  /// - Parameters:
  ///   - session: its sequence is replaced; it computes `maxOutputs` positions' logits together. If it blends weights it
  ///     has a mixture for every λ.
  ///   - realignments: the λ that logits will be asked for.
  ///   - withDirections: keeps h_m − h_ref of every aligned model, whatever the λ; not where weights are blended.
  ///   - asDecoding: logits have the bits that decoding gives.
  /// - Throws: `SessionError.outOfMemory` when a model that runs twice cannot have a second cache.
  package init(
    session: DecodingSession, realignments: [Realignment], withDirections: Bool = false, asDecoding: Bool = false
  ) throws(SessionError) {
    let count = session.caches.count
    let mixes = session.blend == .weights
    precondition(!mixes || count == realignments.count, "a mixture for every λ")
    let forms = mixes ? (0..<count).map { ModelForm(model: $0) } : Self.forms(realignments, count, withDirections)
    let recipes = realignments.enumerated().map { index, realignment in
      mixes ? Recipe(base: index) : Self.recipe(realignment, forms)
    }
    let width = session.bundle.configuration.vocabularySize
    let block = session.workspace.state.maxOutputs
    let isExact = recipes.map { asDecoding && !$0.addends.isEmpty }
    let needed = zip(recipes, isExact).map { recipe, isExact in
      isExact ? [] : Set((recipe.base.map { [$0] } ?? []) + (recipe.isDirected ? [] : recipe.addends.map(\.form)))
    }
    self.session = session
    self.realignments = realignments
    self.forms = forms
    self.recipes = recipes
    vocabularySize = width
    caches = try Self.caches(forms, session)
    own = forms.indices.map { form in
      needed.contains { $0.contains(form) } ? LogitRows(count: block, width: width) : nil
    }
    directions = forms.map {
      $0.isBeside && (withDirections || !asDecoding) ? LogitRows(count: block, width: width) : nil
    }
    blends = isExact.map { $0 ? LogitRows(count: block, width: width) : nil }
    for (index, realignment) in realignments.enumerated() where mixes { session.mix(realignment, at: index) }
  }

  /// Begins a text.
  /// - Parameter first: the first position whose logits are wanted.
  /// - Throws: `SessionError` for a text that does not fit or has ids outside the vocabulary.
  package func start(_ text: [Int32], from first: Int = 0) throws(SessionError) {
    session.truncate(to: 0)
    for (form, cache) in zip(forms, caches) {
      cache.truncate(to: 0)
      if cache === session.caches[form.model] { session.setBeside(form.isBeside, form.model) }
    }
    try session.append(text)
    end = text.count
    pass = 0..<0
    let first = min(max(first, 0), end)
    block = first..<first
  }

  /// Makes sure that what was computed is of the bundle that was opened; asked after every text.
  /// - Throws: `FileError.changed`.
  package func checkUnchanged() throws(FileError) { try session.bundle.checkUnchanged() }

  /// Computes the logits of the next positions and says which; empty at the text's end.
  package func next() -> Range<Int> {
    let start = block.upperBound
    guard start < end else { return end..<end }
    while pass.upperBound <= start { forward() }
    block = start..<min(start + session.workspace.state.maxOutputs, pass.upperBound)
    for form in forms.indices {
      own[form]?.fill(from: product([(form, 1)]), block.count)
      directions[form]?.fill(from: product([(form, 1), (0, -1)]), block.count)
    }
    for (index, realignment) in realignments.enumerated() {
      blends[index]?.fill(from: product(recipes[index].terms(base: realignment.weights[0])), block.count)
    }
    return block
  }

  /// Logits `[vocabulary]` of a position of the last block, under `realignments[index]`; valid until the next block.
  /// - Parameter scratch: `[vocabulary]`; used where the logits have to be made.
  package func logits(
    _ index: Int, at position: Int, scratch: UnsafeMutableBufferPointer<Float>
  ) -> UnsafeBufferPointer<Float> {
    let row = position - block.lowerBound
    if let blend = blends[index]?[row] { return blend }
    let recipe = recipes[index]
    let base = recipe.base.flatMap { own[$0]?[row] }
    if let base, recipe.addends.isEmpty { return base }
    if let base { _ = scratch.update(from: base) } else { scratch.update(repeating: 0) }
    for (form, lambda) in recipe.addends {
      guard let addend = (recipe.isDirected ? directions : own)[form]?[row] else {
        preconditionFailure("no logits were computed for this λ")
      }
      for id in 0..<vocabularySize { scratch[id] += lambda * addend[id] }
    }
    return UnsafeBufferPointer(scratch)
  }

  /// h_m − h_ref `[vocabulary]` at a position of the last block; nil for a model that no λ uses.
  package func direction(model: Int, at position: Int) -> UnsafeBufferPointer<Float>? {
    let form = forms.firstIndex(of: ModelForm(model: model, isBeside: true))
    return form.flatMap { directions[$0]?[position - block.lowerBound] }
  }

  /// Runs the models over the next positions.
  private func forward() {
    let workspace = session.workspace
    let start = pass.upperBound
    let count = min(workspace.state.maxColumns / forms.count, end - start)
    for (index, form) in forms.enumerated() {
      workspace.runs.initializeElement(
        at: index,
        to: session.run(
          form.model, cache: caches[index], sequence: sequence(of: form), count: count,
          ids: workspace.ids + index * count))
    }
    workspace.models.decoder.forward(
      UnsafeBufferPointer(rebasing: workspace.runs[0..<forms.count]), in: workspace.state)
    pass = start..<start + count
  }

  /// A column is coded as a difference from the reference's of the same sequence: mixtures are apart from each other, and
  /// an aligned model by itself is apart from the reference.
  private func sequence(of form: ModelForm) -> Int {
    session.blend == .weights ? form.model : form.model == 0 || form.isBeside ? 0 : 1
  }

  /// Σ weight · logits of the models, `[block, vocabulary]`.
  private func product(_ weights: [(form: Int, weight: Float)]) -> Panel {
    let workspace = session.workspace
    var count = 0
    for row in 0..<block.count {
      for (form, weight) in weights {
        let hidden = workspace.state.final.column(form * pass.count + block.lowerBound + row - pass.lowerBound)
        workspace.terms.initializeElement(
          at: count,
          to: BlendTerm(
            output: row, model: session.firstModel + forms[form].model, hidden: UnsafePointer(hidden), weight: weight))
        count += 1
      }
    }
    return workspace.models.decoder.logits(
      UnsafeBufferPointer(rebasing: workspace.terms[0..<count]), outputs: block.count, in: workspace.state)
  }
}

/// A model as some λ run it.
private struct ModelForm: Hashable {
  var model: Int
  /// An aligned model beside the reference.
  var isBeside = false
}

extension TeacherForcing {
  /// The forms of models that some λ need, ordered by model.
  private static func forms(_ realignments: [Realignment], _ models: Int, _ withDirections: Bool) -> [ModelForm] {
    var needed = Set<ModelForm>()
    for weights in realignments.map(\.weights) {
      for model in weights.indices where weights[model] != 0 {
        needed.insert(ModelForm(model: model, isBeside: model > 0 && weights[0] != 0))
      }
    }
    if withDirections {
      for model in 0..<models { needed.insert(ModelForm(model: model, isBeside: model > 0)) }
    }
    let all = (0..<models).flatMap { [ModelForm(model: $0), ModelForm(model: $0, isBeside: true)] }
    return all.filter(needed.contains)
  }

  private static func recipe(_ realignment: Realignment, _ forms: [ModelForm]) -> Recipe {
    func index(_ model: Int, isBeside: Bool) -> Int? {
      forms.firstIndex(of: ModelForm(model: model, isBeside: isBeside))
    }
    if let sole = realignment.soleModel { return Recipe(base: index(sole, isBeside: false)) }
    let isBlend = realignment.referenceWeight != 0
    let addends = zip(1..., realignment.lambdas).compactMap { model, lambda in
      lambda == 0 ? nil : index(model, isBeside: isBlend).map { (form: $0, lambda: lambda) }
    }
    return Recipe(base: isBlend ? 0 : nil, addends: addends, isDirected: isBlend)
  }

  /// The session's caches, and a further one where a model has both forms.
  private static func caches(_ forms: [ModelForm], _ session: DecodingSession) throws(SessionError) -> [KVCache] {
    var caches: [KVCache] = []
    do throws(TensorError) {
      for (index, form) in forms.enumerated() {
        let isSecond = index > 0 && forms[index - 1].model == form.model
        caches.append(isSecond ? try session.anotherCache() : session.caches[form.model])
      }
    } catch {
      throw .outOfMemory("\(error)")
    }
    return caches
  }
}

extension Realignment {
  /// The one model this λ leaves, nil for a blend.
  var soleModel: Int? {
    let active = weights.indices.filter { weights[$0] != 0 }
    return active.count == 1 ? active[0] : nil
  }
}

/// `[count, width]`
private final class LogitRows {
  private let values: UnsafeMutablePointer<Float>
  private let width: Int

  init(count: Int, width: Int) {
    self.width = width
    values = .allocate(capacity: count * width)
  }

  deinit { values.deallocate() }

  subscript(row: Int) -> UnsafeBufferPointer<Float> { UnsafeBufferPointer(start: values + row * width, count: width) }

  func fill(from panel: Panel, _ rows: Int) {
    for row in 0..<rows { (values + row * width).update(from: panel.column(row), count: width) }
  }
}

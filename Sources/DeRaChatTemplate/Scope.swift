/// The variables of a block; blocks see those around them and set only their own.
final class Scope {
  private var variables: [String: Value] = [:]
  private let parent: Scope?

  init(parent: Scope?) {
    self.parent = parent
  }

  subscript(name: String) -> Value? {
    get {
      var scope: Scope? = self
      while let current = scope {
        if let value = current.variables[name] { return value }
        scope = current.parent
      }
      return nil
    }
    set { variables[name] = newValue }
  }
}

/// A macro with the scope it was defined in.
struct MacroClosure {
  let macro: Macro
  let scope: Scope
}

/// The `loop` variable.
final class LoopState {
  let elements: [Value]
  /// Depth of the list that is looped over. The loop keeps the list alive, so a chain of loops is released as deep as one of
  /// lists.
  let depth: Int
  /// 1, and one more in each call of a recursive loop.
  let level: Int
  /// The interpreter's handle of the loop if it is recursive.
  let recursion: Int?
  var index = 0
  /// The last argument of `loop.changed`; no loop is in it.
  var lastChecked: [Value]?

  init(elements: [Value], depth: Int, level: Int, recursion: Int?) {
    self.elements = elements
    self.depth = depth
    self.level = level
    self.recursion = recursion
  }

  func attribute(_ name: String) -> Value {
    switch name {
    case "index": .int(index + 1)
    case "index0": .int(index)
    case "revindex": .int(elements.count - index)
    case "revindex0": .int(elements.count - index - 1)
    case "first": .bool(index == 0)
    case "last": .bool(index == elements.count - 1)
    case "length": .int(elements.count)
    case "depth": .int(level)
    case "depth0": .int(level - 1)
    case "previtem": index > 0 ? elements[index - 1] : .undefined("there is no previous item")
    case "nextitem": index + 1 < elements.count ? elements[index + 1] : .undefined("there is no next item")
    case "cycle", "changed": .method(.loop(self), name)
    default: .undefined("'loop' has no attribute '\(name)'")
    }
  }
}

import CDeRaPCRE2

/// A pattern ready to match. Immutable after `init`, so it may be used by several threads, each with its own `Matcher`.
final class CompiledPattern: @unchecked Sendable {
  /// Bytes of the longest pattern taken from a file.
  static let maximumLength = 8192

  let source: String
  fileprivate let code: OpaquePointer
  /// Whether one look at a place of the text is cheap, so that PCRE2's compiled code can be used: it does not count the steps
  /// of repetitions. Its interpreter does.
  fileprivate let isSimple: Bool

  /// Repetitions without an end in one alternative. Three would take a second for a text of 3 kB.
  private static let repeatLimit = 2
  private static let choiceLimit = 64

  /// - Parameter pcre2: a pattern in PCRE2's syntax.
  /// - Throws: `TokenizerError.invalidPattern` with PCRE2's own message.
  init(pcre2 source: String) throws(TokenizerError) {
    self.source = source
    guard source.utf8.count <= Self.maximumLength else {
      throw .invalidPattern(pattern: String(source.prefix(60)) + "…", reason: "it is longer than 8192 bytes")
    }
    let options = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT
    var errorCode: Int32 = 0
    var errorOffset = 0
    let bytes = Array(source.utf8)
    // Lines end in a line feed, whatever the library was built with.
    let context = pcre2_compile_context_create_8(nil)
    defer { pcre2_compile_context_free_8(context) }
    pcre2_set_newline_8(context, UInt32(PCRE2_NEWLINE_LF))
    guard let code = pcre2_compile_8(bytes, bytes.count, options, &errorCode, &errorOffset, context) else {
      throw .invalidPattern(pattern: source, reason: "\(Self.message(errorCode)) at byte \(errorOffset)")
    }
    self.code = code
    let cost = PatternCost(of: source)
    isSimple = cost.repeats <= Self.repeatLimit && cost.choices <= Self.choiceLimit
    // Failure only means that the interpreter is used.
    if isSimple { pcre2_jit_compile_8(code, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD) }
  }

  deinit { pcre2_code_free_8(code) }

  private static func message(_ code: Int32) -> String {
    var buffer = [UInt8](repeating: 0, count: 256)
    let length = pcre2_get_error_message_8(code, &buffer, buffer.count)
    return length > 0 ? String(decoding: buffer.prefix(Int(length)), as: UTF8.self) : "error \(code)"
  }
}

/// The means to match patterns in one text: PCRE2's result vector, limits, the stack of its compiled code, and the text's
/// work budget. For one thread.
final class Matcher {
  /// Backtracking steps at one place of the text, and kilobytes of heap: PCRE2's defaults would allow minutes.
  private static let matchLimit: UInt32 = 1_000_000
  private static let heapLimit: UInt32 = 64 << 10
  /// Places where a match may start that are tried between two looks at the budget, for simple patterns and for others.
  private static let places = (simple: 64, other: 16)
  /// Bytes after these places that a simple pattern's compiled code sees: what it takes grows with their square.
  private static let reach = 512
  private let data: OpaquePointer?
  private let context: OpaquePointer?
  private let stack: OpaquePointer?
  var budget: WorkBudget

  /// - Parameter textBytes: of all that will be matched.
  init(textBytes: Int) {
    budget = WorkBudget(bytes: textBytes)
    data = pcre2_match_data_create_8(1, nil)
    context = pcre2_match_context_create_8(nil)
    stack = pcre2_jit_stack_create_8(32 << 10, 1 << 20, nil)
    pcre2_set_match_limit_8(context, Self.matchLimit)
    pcre2_set_depth_limit_8(context, Self.matchLimit)
    pcre2_set_heap_limit_8(context, Self.heapLimit)
    pcre2_jit_stack_assign_8(context, nil, UnsafeMutableRawPointer(stack))
  }

  deinit {
    pcre2_match_data_free_8(data)
    pcre2_match_context_free_8(context)
    pcre2_jit_stack_free_8(stack)
  }

  /// The first match in `text` (valid UTF-8) at or after the byte `start`.
  /// - Throws: `TokenizerError.matchLimit` when that takes too much work.
  func firstMatch(
    of pattern: CompiledPattern, in text: UnsafeRawBufferPointer, from start: Int
  ) throws(TokenizerError) -> Range<Int>? {
    var start = start
    while true {
      let end = start + (pattern.isSimple ? Self.places.simple : Self.places.other)
      let match = try firstMatch(of: pattern, in: text, from: start, to: end)
      try checkBudget(pattern)
      if match != nil || end >= text.count { return match }
      start = end + 1
      while start < text.count, text[start] & 0xC0 == 0x80 { start += 1 }
    }
  }

  private func checkBudget(_ pattern: CompiledPattern) throws(TokenizerError) {
    if budget.isExhausted() { throw .matchLimit(pattern: pattern.source, code: PCRE2_ERROR_MATCHLIMIT) }
  }

  /// The first match that starts at a byte from `start` to `end`.
  ///
  /// The compiled code of a simple pattern is given little of the text. Where that asks for what comes after, the interpreter
  /// is given all of it, place by place.
  private func firstMatch(
    of pattern: CompiledPattern, in text: UnsafeRawBufferPointer, from start: Int, to end: Int
  ) throws(TokenizerError) -> Range<Int>? {
    guard pattern.isSimple else { return try match(pattern, text, from: start, to: end, options: 0)?.range }
    var cut = min(end + Self.reach, text.count)
    while cut < text.count, text[cut] & 0xC0 == 0x80 { cut += 1 }
    let seen = UnsafeRawBufferPointer(rebasing: text[..<cut])
    let options = cut < text.count ? PCRE2_PARTIAL_HARD : 0
    let found = try match(pattern, seen, from: start, to: end, options: options)
    guard let found, found.isPartial else { return found?.range }
    for place in start...min(end, text.count) where place == text.count || text[place] & 0xC0 != 0x80 {
      let whole = try match(pattern, text, from: place, to: place, options: PCRE2_NO_JIT)
      if let whole { return whole.range }
      try checkBudget(pattern)
    }
    return nil
  }

  private func match(
    _ pattern: CompiledPattern, _ text: UnsafeRawBufferPointer, from start: Int, to end: Int, options: UInt32
  ) throws(TokenizerError) -> (range: Range<Int>, isPartial: Bool)? {
    guard let data, let context, let base = text.baseAddress else { return nil }
    let subject = base.assumingMemoryBound(to: UInt8.self)
    let options = options | PCRE2_NO_UTF_CHECK
    pcre2_set_offset_limit_8(context, end)
    var result = pcre2_match_8(pattern.code, subject, text.count, start, options, data, context)
    if result == PCRE2_ERROR_JIT_STACKLIMIT {
      result = pcre2_match_8(pattern.code, subject, text.count, start, options | PCRE2_NO_JIT, data, context)
    }
    if result == PCRE2_ERROR_PARTIAL { return (start..<start, true) }
    if result == PCRE2_ERROR_NOMATCH { return nil }
    guard result >= 0, let offsets = pcre2_get_ovector_pointer_8(data) else {
      throw .matchLimit(pattern: pattern.source, code: result)
    }
    // \K can put the start after the end.
    return (offsets[0]..<max(offsets[0], offsets[1]), false)
  }
}

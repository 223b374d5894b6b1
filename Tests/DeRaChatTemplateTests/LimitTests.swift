import DeRaChatTemplate
import Testing

/// Every limit ends in an error that names it and the line, whatever way leads to it.
@Suite struct LimitTests {
  private func failure(_ source: String, _ limits: TemplateLimits = TemplateLimits()) -> TemplateError? {
    do throws(TemplateError) {
      _ = try ChatTemplate(source: source, limits: limits)
        .rendered(messages: [], addGenerationPrompt: false, limits: limits)
      return nil
    } catch {
      return error
    }
  }

  /// The default limits with fewer steps, for tests that are to use all of them.
  private var fewSteps: TemplateLimits {
    var limits = TemplateLimits()
    limits.steps = 300_000
    return limits
  }

  private func expect(_ name: TemplateLimits.Name, _ source: String, line: Int = 1) {
    let error = failure(source, name == .steps ? fewSteps : TemplateLimits())
    #expect(error?.kind == .limit(name) && error?.line == line, "\(source.prefix(120)): \(error.debugDescription)")
  }

  private func repeated(_ open: String, _ count: Int, _ middle: String = "", _ close: String = "") -> String {
    String(repeating: open, count: count) + middle + String(repeating: close, count: count)
  }

  @Test func source() {
    var limits = TemplateLimits()
    limits.source = 10
    #expect(failure("0123456789", limits) == nil)
    #expect(failure("0123456789a", limits)?.kind == .limit(.source))
  }

  @Test(arguments: [
    ("(", "1", ")"), ("[", "", "]"), ("{1:", "1", "}"), ("not ", "1", ""), ("-", "1", ""), ("x(", "", ")"),
    ("x[", "1", "]"), ("1 if 1 else ", "1", ""), ("x|f(", "", ")"), ("x is eq(", "1", ")"), ("1 is eq [", "", "]"),
  ])
  func nestedExpressions(_ open: String, _ middle: String, _ close: String) {
    expect(.nesting, "{{ " + repeated(open, 101, middle, close) + " }}")
    expect(.nesting, "{{ " + repeated(open, 20_000, middle, close) + " }}")
    #expect(failure("{% if 0 %}{{ " + repeated(open, 40, middle, close) + " }}{% endif %}") == nil)
  }

  /// A turn makes variables, so it counts for more than a node: empty loops must not run for seconds.
  @Test func turnsOfLoopsCountMore() {
    let turns = fewSteps.steps / 8
    for loop in ["{% for i in range(N) %}{% endfor %}", "{% for i in range(N) if i < 0 %}{% endfor %}"] {
      expect(.steps, loop.replacing("N", with: "\(turns)"))
      #expect(failure(loop.replacing("N", with: "\(turns / 4)"), fewSteps) == nil)
    }
  }

  @Test func nestedBlocks() {
    expect(.nesting, repeated("{% if 1 %}", 101, "x", "{% endif %}"))
    expect(.nesting, repeated("{% for i in x %}", 20_000))
    expect(.nesting, repeated("{% macro m() %}\n", 101), line: 101)
    expect(.nesting, "{% for " + repeated("(", 200, "a", ")") + " in x %}{% endfor %}")
    #expect(failure(repeated("{% if 1 %}", 60, "x", "{% endif %}")) == nil)
  }

  @Test func longChainsAreNotDeep() {
    #expect(failure("{{ 1" + repeated(" + 1", 20_000) + " }}") == nil)
    #expect(failure("{{ 'a'" + repeated("|upper", 20_000) + " }}") == nil)
    #expect(failure("{{ 'a'" + repeated("[0]", 20_000) + " }}") == nil)
    #expect(failure("{{ 1" + repeated(" and 1", 20_000) + repeated(" == 1", 20_000) + " }}") == nil)
    #expect(failure("{% if 0 %}" + repeated("{% elif 0 %}", 20_000) + "{% endif %}") == nil)
    #expect(failure(repeated("{% set x = 1 %}", 20_000)) == nil)
  }

  @Test func namesAndParameters() {
    let name = repeated("n", 256)
    #expect(failure("{{ \(name) }}")?.kind == .syntax)
    #expect(failure("{{ \(name.dropLast()) }}") == nil)
    let names = (0..<65).map { "p\($0)" }
    #expect(failure("{% macro m(\(names.joined(separator: ","))) %}{% endmacro %}")?.kind == .syntax)
    #expect(failure("{{ dict(\(names.joined(separator: "=1,"))=1) }}")?.kind == .syntax)
    #expect(failure("{{ dict(\(names.dropLast().joined(separator: "=1,"))=1) }}") == nil)
  }

  /// Operations that look at every character of a long text count for it.
  @Test(arguments: [
    "t is lower", "t.islower()", "t.isalpha()", "t.startswith(t)", "t.endswith((t,))", "t.removeprefix(t)", "t | int",
    "t | wordcount", "t == u", "t < u", "d[t]", "range(9999) | list | sum",
  ])
  func stepsOfOneOperation(_ expression: String) {
    let start = "{% set t = 'a' * 400000 %}{% set u = 'a' * 400000 %}{% set d = {} %}\n"
    let error = failure(start + "{% for i in range(99999) %}{% if \(expression) %}{% endif %}{% endfor %}", fewSteps)
    #expect([.limit(.steps), .limit(.allocation)].contains(error?.kind), "\(error.debugDescription)")
  }

  @Test func steps() {
    let forever = "{% for i in range(100000) %}\n{% for j in range(100000) %}{% endfor %}{% endfor %}"
    expect(.steps, forever, line: 2)
    expect(.steps, "{% set t = 'a' * 100000 %}\n{% for i in range(100000) %}{{ 'ab' in t }}{% endfor %}", line: 2)
    expect(.steps, "{% set t = ('a' * 99999) %}{% if (t ~ 'b') in (t ~ t ~ t) %}{% endif %}")
    let wide = "{% set ns = namespace(x=1) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}"
    expect(.steps, wide + "{% set ns.y = ns.x %}{% set ns.z = [ns.x] == [ns.y] %}")
    expect(.steps, wide + "{{ [ns.x] < [ns.x] }}")
    expect(.steps, wide + "{{ ns.x in [1, ns.x] }}")
  }

  @Test func output() {
    expect(.output, "{% for i in range(10000) %}{{ 'x' * 1000 }}{% endfor %}")
    expect(.output, "{% macro m() %}{% for i in range(100) %}{{ 'x' * 100000 }}{% endfor %}{% endmacro %}{{ m() }}")
  }

  @Test func outputOfABlock() {
    expect(
      .output,
      "{% set x = 'ab' %}{% macro m(x) %}{% set x %}{{ x }}{{ x }}{% endset %}{{ m(x) }}{% endmacro %}{{ m(x) }}")
  }

  @Test(arguments: [
    "'a' * 10**9", "'a' * 9223372036854775807", "[0] * 10**9", "(1, 2) * 9223372036854775807",
    "('a' * 9999)|replace('a', 'b' * 9999)", "('a' * 9999).replace('', 'b' * 9999)",
    "('b' * 9999).join('a' * 9999)", "('a' * 9999)|join('b' * 9999)", "'a'|indent(10**9)", "'a'|center(10**9)",
    "'a'.ljust(10**9)", "'a'.rjust(10**9, 'x')", "'a'.zfill(10**9)", "[1]|tojson(indent=10**9)",
    "[1]|batch(10**9, 'x')", "('a\\n' * 4000000).splitlines()", "('a ' * 4000000).split()", "('a' * 8000000)|list",
    "('\\0' * 4000000)|list|string", "('<' * 4000000)|e", "('é' * 4000000)|tojson(ensure_ascii=true)",
    "(('\\n' * 9999)|indent(9999, blank=true))", "'%s' % ('x' * 10**8)",
  ])
  func allocation(_ expression: String) {
    expect(.allocation, "{{ 1 }}\n{% set x = \(expression) %}", line: 2)
  }

  @Test func allocationInLoops() {
    let loop = "{% set ns = namespace(x='ab', y=[1], z=(1,)) %}{% for i in range(80) %}"
    expect(.allocation, loop + "{% set ns.x = ns.x ~ ns.x %}{% endfor %}")
    expect(.allocation, loop + "{% set ns.x = ns.x * 3 %}{% endfor %}")
    expect(.allocation, loop + "{% set ns.y = ns.y + ns.y %}{% endfor %}")
    expect(.allocation, loop + "{% set ns.x = [ns.x, ns.x] | string %}{% endfor %}")
    expect(.allocation, loop + "{% set ns.x = ns.x | tojson | tojson %}{% endfor %}")
    let wide = loop + "{% if i < 60 %}{% set ns.z = (ns.z, ns.z) %}{% endif %}{% endfor %}"
    expect(.allocation, wide + "{{ ns.z }}")
    expect(.allocation, wide + "{{ ns.z | tojson }}")
    expect(.allocation, wide + "{{ {ns.z: 1} }}")
    expect(
      .allocation,
      "{% macro m() %}{{ caller() }}{% endmacro %}"
        + repeated("{% for i in range(99999) %}", 2, "{% call m() %}{% endcall %}", "{% endfor %}"))
  }

  @Test func recursion() {
    expect(.recursion, "{% macro m() %}\n{{ m() }}{% endmacro %}{{ m() }}", line: 2)
    expect(.recursion, "{% macro a(f) %}{{ f(a) }}{% endmacro %}{{ a(a) }}")
    expect(
      .recursion,
      "{% macro m() %}{% call m() %}{% endcall %}{% endmacro %}{{ m() }}")
    #expect(failure("{% macro m(n) %}{% if n %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(50) }}") == nil)
  }

  @Test func valueDepth() {
    let deep = "{% set ns = namespace(x=1) %}{% for i in range(500) %}"
    expect(.valueDepth, deep + "{% set ns.x = [ns.x] %}{% endfor %}")
    expect(.valueDepth, deep + "{% set ns.x = {'a': (ns.x,)} %}{% endfor %}")
    expect(.valueDepth, deep + "{% set ns.x = namespace(a=[ns.x]).a %}{% endfor %}")
    expect(.valueDepth, deep + "{% set ns.x = ['a', ns.x]|map('default')|list|batch(2) %}{% endfor %}")
    // A loop counts as what it goes through.
    for held in ["loop", "[loop]", "loop.cycle"] {
      expect(.valueDepth, deep + "{% for y in [ns.x] %}{% set ns.x = \(held) %}{% endfor %}{% endfor %}")
    }
    #expect(failure(deep + "{% for y in 'a' %}{% set ns.x = loop %}{% endfor %}{% endfor %}{{ ns.x.index }}") == nil)
    // A namespace inside itself is a reference, and printing it shows no more than that.
    #expect(failure(deep + "{% set ns.x = ns %}{% endfor %}{{ ns.x.x.x }}{{ [ns] }}") == nil)
    var value = TemplateValue.int(1)
    for _ in 0..<5000 { value = .array([value]) }
    #expect(throws: TemplateError.self) {
      try ChatTemplate(source: "").rendered(messages: [], addGenerationPrompt: false, variables: ["x": value])
    }
  }

  /// A loop that keeps itself would never be released.
  @Test(arguments: ["loop", "1, [loop]", "{'a': (outer,)}", "loop.changed", "[outer.cycle]"])
  func loopsKeepNoLoops(_ arguments: String) {
    let start = "{% for i in [1] %}{% set outer = loop %}{% for j in [1] %}\n"
    let end = "{% endfor %}{% endfor %}"
    #expect(failure(start + "{{ loop.changed(\(arguments)) }}" + end)?.kind == .unsupported)
    #expect(failure(start + "{% set ns = namespace(a=loop) %}{{ loop.changed(ns, [1], {'a': 1}) }}" + end) == nil)
  }

  @Test(arguments: ["'a'|center(width)", "'a'.zfill(width)", "'a'.ljust(width)", "'a'.rjust(width, 'x')"])
  func negativeWidths(_ expression: String) {
    for width in ["-9223372036854775807 - 1", "-9223372036854775807", "-1"] {
      let start = "{% set width = \(width) %}"
      #expect(failure(start + "{% if \(expression) != 'a' %}{{ raise_exception(width) }}{% endif %}") == nil)
    }
  }

  @Test func ranges() {
    expect(.range, "{% for i in range(10**9) %}{% endfor %}")
    expect(.range, "{{ range(0, -9223372036854775807, -1) }}")
    #expect(failure("{{ range(9223372036854775806, 9223372036854775807, 9) }}") == nil)
    #expect(failure("{{ range(-9223372036854775807, 9223372036854775807, 9223372036854775807) }}") == nil)
  }

  @Test func numbersThatDoNotFit() {
    for expression in [
      "9223372036854775807 + 1", "-9223372036854775807 - 2", "9223372036854775807 * 2", "10 ** 100", "2 ** 63",
      "-(-9223372036854775807 - 1)", "(-9223372036854775807 - 1) // -1", "(-9223372036854775807 - 1)|abs",
    ] {
      #expect(failure("{{ \(expression) }}")?.kind == .value, "\(expression)")
    }
    #expect(failure("{{ (-9223372036854775807 - 1) % -1 }}{{ 1e300|int }}{{ ('9' * 50)|int }}") == nil)
    #expect(failure("{{ 99999999999999999999 }}")?.kind == .syntax)
  }

  @Test func errorsSayWhere() {
    let error = failure("a\n{% if true %}\n{{ raise_exception('no ' ~ 'way') }}\n{% endif %}")
    #expect(error == TemplateError(kind: .raised, line: 3, message: "no way"))
    #expect(error?.description == "chat template, line 3: no way")
    #expect(failure("\n\n{{ x.y }}") == TemplateError(kind: .undefined, line: 3, message: "'x' is undefined"))
    #expect(failure("\n{{ [1].append(2) }}")?.kind == .forbidden)
    #expect(failure("\n{% include 'x' %}")?.kind == .unsupported)
    #expect(failure("{# a\n#}\n{% endfor %}")?.line == 3)
    #expect(failure("{{ 'a\n\n' }}{{ ) }}")?.line == 3)
  }
}

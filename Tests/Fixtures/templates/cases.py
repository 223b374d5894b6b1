"""Small templates that each exercise one rule of the language. What they render to, or that they fail, is Python's."""

VARIABLES = {
    "text": "Hello, World",
    "words": ["delta", "Alpha", "charlie", "bravo", "alpha"],
    "numbers": [3, 1, 2, 10],
    "person": {"name": "Ada", "age": 36, "tags": ["x", "y"], "items": "shadowed", "none": None},
    "people": [
        {"name": "Ada", "age": 36, "role": {"id": 2}},
        {"name": "bob", "age": 25, "role": {"id": 1}},
        {"name": "Cy", "role": {"id": 3}},
    ],
    "empty": [],
    "nothing": None,
    "yes": True,
    "half": 0.5,
    "html": "<a href=\"x\">'&'</a>",
    "unicode": "ÄÖß ǆ é日本",
    "lines": "one\n  two\n\nthree\n",
}

CASES = r"""
{{ 1 }} {{ -1 }} {{ +1 }} {{ 1.5 }} {{ 1e3 }} {{ 1_000 }} {{ 0x1F }} {{ 0o17 }} {{ 0b101 }} {{ 1e-7 }} {{ 1.0 }}
{{ true }} {{ True }} {{ false }} {{ none }} {{ None }}
{{ 'a' "b" 'c' }}
{{ 'tab\tnew\nline \x41 \u00e9 \U0001F600 \101 \q \'quoted\' \\' }}
{{ "it's" }} {{ ["it's", 'a"b', 'both\'"'] }}
{{ [1, 'a', none, true, 2.0, (1,), (), {'k': [1]}] }}
{{ {'a': 1, 2: 'b', none: 3, true: 4, 2.0: 'again'} }}
{{ (1, 2) }} {{ (1) }} {{ 1, 2 }} {{ () }}
{{ [1, 2,] }} {{ {'a': 1,} }}
{{ 1 + 2 * 3 - 4 }} {{ (1 + 2) * 3 }} {{ 7 / 2 }} {{ 6 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 % -3 }}
{{ 2 ** 10 }} {{ 2 ** -1 }} {{ -2 ** 2 }} {{ 2 ** 3 ** 2 }} {{ 2.0 ** 0.5 }} {{ 0 ** 0 }}
{{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ 1.1 + 2.2 }} {{ 1e16 }} {{ 1e15 }} {{ 123456789.123 }} {{ 0.0001 }} {{ 0.00001 }} {{ 5e-324 }}
{{ 1e22 }} {{ 1.5e300 * 1e10 }} {{ 1e308 * 10 }} {{ -1e308 * 10 }} {{ 0.1 + 0.2 }} {{ -0.0 }} {{ 9007199254740993.0 }}
{{ 1 / 0 }}
{{ 1 % 0 }}
{{ 1 // 0.0 }}
{{ 0 ** -1 }}
{{ true + true }} {{ yes * 3 }} {{ -true }}
{{ 'a' + 'b' }} {{ 'a' * 3 }} {{ 3 * 'ab' }} {{ 'a' * -1 }}|{{ [1] + [2] }} {{ [0] * 3 }} {{ (1,) + (2,) }}
{{ 'a' + 1 }}
{{ 1 + 'a' }}
{{ [1] + (2,) }}
{{ 'a' - 'b' }}
{{ none + 1 }}
{{ 'a' ~ 1 ~ none ~ 2.5 ~ [1] ~ missing ~ true }}
{{ 1 ~ 2 + 3 }}
{{ 2 * 3 ~ 4 }} {{ 1 ~ (2 + 3) }} {{ 1 ~ 2 * 3 }}
{{ -'a' }}
{{ 1 < 2 }} {{ 2 <= 2 }} {{ 1 > 2 }} {{ 2 >= 3 }} {{ 1 == 1.0 }} {{ 1 != 2 }} {{ true == 1 }} {{ 'a' == 'a' }} {{ 'a' < 'b' }} {{ 'Z' < 'a' }}
{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1 == 1 }} {{ 3 > 2 > 1 == true }}
{{ [1, 2] < [1, 3] }} {{ [1] < [1, 2] }} {{ (1, 'a') == (1, 'a') }} {{ [1] == (1,) }} {{ {'a': 1} == {'a': 1.0} }} {{ none == false }}
{{ 1 < 'a' }}
{{ none < 1 }}
{{ [1] < ['a'] }}
{{ missing == missing2 }} {{ missing == none }} {{ missing != 1 }}
{{ missing < 1 }}
{{ 'ell' in text }} {{ 'x' in text }} {{ 'x' not in text }} {{ '' in text }} {{ 1 in numbers }} {{ 1.0 in numbers }} {{ 'name' in person }} {{ 'Ada' in person }}
{{ 1 in missing }} {{ none in [none] }} {{ not 1 in [1] }} {{ 1 not in [1] == true }}
{{ 1 in 'a' }}
{{ 1 in 5 }}
{{ [1] in {'a': 1} }}
{{ 1 and 0 and 2 }} {{ 1 and 2 }} {{ 0 or '' or 'x' }} {{ not 0 }} {{ not not 5 }} {{ '' or none }} {{ missing or 'd' }}
{{ true and missing }}|{{ false and 1 / 0 }} {{ true or 1 / 0 }}
{{ 'yes' if 1 else 'no' }} {{ 'yes' if '' else 'no' }} {{ 'yes' if false }}| {{ 1 if 0 else 2 if 0 else 3 }} {{ (1 if yes) + 1 }}
{{ missing }}|{{ missing.attribute }}
{{ missing.attribute }}
{{ missing['x'] }}
{{ missing[0] }}
{{ missing() }}
{{ missing + 1 }}
{{ 'a' + missing }}
{{ -missing }}
{{ missing | upper }}|{{ missing | length }} {{ missing | list }} {{ missing | join(',') }}| {{ missing | default('d') }} {{ [missing] }}
{{ missing | abs }}
{{ missing | int }}
{% for x in missing %}x{% else %}none{% endfor %} {% if missing %}a{% else %}b{% endif %}
{% for x in nothing %}x{% endfor %}
{% for x in 5 %}x{% endfor %}
{{ person.name }} {{ person['age'] }} {{ person.missing }}|{{ person.tags[0] }} {{ person.tags.1 }} {{ person.tags[-1] }} {{ person.tags[5] }}|{{ person['tags'][0] }}
{{ person.missing.deeper }}
{{ person['items'] }} {{ person.items() | list | length }} {{ person['keys']() | list | first }} {{ person.none }}
{{ person.get('name') }} {{ person.get('x') }} {{ person.get('x', 'd') }} {{ person.keys() | list }} {{ person.values() | list | length }} {% for k, v in person.items() %}{{ k }}={{ v }};{% endfor %}
{{ nothing.x }}|{{ (5).x }}|{{ text.x }}|{{ text[0] }} {{ text[-1] }} {{ text[100] }}| {{ text['x'] }}|{{ numbers['x'] }}|{{ numbers[true] }}
{{ nothing.x.y }}
{{ text[1:3] }} {{ text[:-1] }} {{ text[::-1] }} {{ text[::2] }} {{ text[10:2:-3] }} {{ text[5:] }} {{ text[:] }} {{ text[100:] }}|{{ text[-100:2] }}
{{ numbers[1:] }} {{ numbers[::-1] }} {{ numbers[-2:] }} {{ numbers[:0] }} {{ (1, 2, 3)[1:] }} {{ numbers[none:2] }} {{ numbers[3:0:-2] }} {{ numbers[::-99999999999] }}
{{ numbers[::0] }}
{{ numbers['a':] }}
{{ person.age[1:] }}
{{ missing[1:] }}
{{ unicode[1] }} {{ unicode | length }} {{ unicode[::-1] }} {{ unicode | upper }} {{ unicode | lower }} {{ unicode.title() }} {{ unicode.capitalize() }} {{ unicode.swapcase() }}
{{ ['é', 'é'] | unique | list | length }} {{ 'é' == 'é' }} {{ '👩‍👧'|length }} {{ "a\r\nb" | length }}
{% set x = 5 %}{{ x }} {% set x = x + 1 %}{{ x }} {% set a, b = 1, 2 %}{{ a }}{{ b }} {% set (c, d) = [3, 4] %}{{ c }}{{ d }} {% set t = 1, 2 %}{{ t }}
{% set a, b = 1 %}
{% set a, b = 1, 2, 3 %}
{% set (a, (b, c)) = [1, [2, 3]] %}{{ a }}{{ b }}{{ c }}
{% set true = 1 %}
{% set x.y = 1 %}
{% set x %}a{{ 1 }}{% endset %}[{{ x }}] {% set y | upper | trim %} abc {% endset %}[{{ y }}]
{% set ns = namespace(a=1, b='x') %}{% set ns.a = ns.a + 1 %}{{ ns.a }}{{ ns.b }}{{ ns.c }}| {% set ns.c %}block{% endset %}{{ ns.c }}
{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns.b }}
{% set ns = namespace(_a=1) %}
{% set ns = namespace() %}{% set ns._a = 1 %}
{{ namespace({'_a': 1}) }}
{% set ns = namespace(n=0) %}{% for i in range(5) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}
{% set n = 0 %}{% for i in range(3) %}{% set n = n + 1 %}{{ n }}{% endfor %}{{ n }}
{% if true %}{% set z = 1 %}{% endif %}{{ z }} {% if false %}{% set w = 1 %}{% endif %}{{ w }}|
{% for i in [1] %}{% set inner = 5 %}{% endfor %}{{ inner }}|
{% for i in numbers %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {{ loop.previtem }}<{{ i }}>{{ loop.nextitem }};{% endfor %}
{% for i in numbers if i > 1 %}{{ loop.index }}:{{ i }}/{{ loop.length }} {% else %}none{% endfor %}
{% for i in numbers if i > 100 %}{{ i }}{% else %}none{% endfor %}
{% for i in numbers %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 10 %}{% break %}{% endif %}{{ i }}{% endfor %}
{% for i in [1, 2] %}{% continue %}{% else %}else{% endfor %} {% for i in [1, 2] %}{% break %}{% else %}else{% endfor %} {% for i in [1, 2] %}{{ i }}{% else %}else{% endfor %}
{% for a, b in [[1, 2], [3, 4]] %}{{ a }}-{{ b }} {% endfor %}{% for (a, b), c in [[[1, 2], 3]] %}{{ a }}{{ b }}{{ c }}{% endfor %}
{% for a, b in [1, 2] %}{% endfor %}
{% for a, b in [[1, 2, 3]] %}{% endfor %}
{% for c in 'abc' %}{{ c }}.{% endfor %} {% for k in {'a': 1, 'b': 2} %}{{ k }}{% endfor %} {% for x in 1, 2 %}{{ x }}{% endfor %}
{% for i in [1, 2] %}{% for j in [1, 2] %}{{ loop.index }}{% endfor %}{{ loop.index }};{% endfor %}
{% for i in [1, 2, 3] %}{{ loop.cycle('a', 'b') }}{% endfor %} {% for i in [1, 1, 2] %}{{ loop.changed(i) }}{% endfor %}
{% for i in range(3) %}{{ i }}{% endfor %} {{ range(2, 8, 3) | list }} {{ range(3, 0, -1) | list }} {{ range(0) | list }}
{{ range(1, 2, 0) }}
{% break %}
{% for i in [1] %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}
{% if 0 %}a{% elif '' %}b{% elif [] %}c{% elif {} %}d{% elif 0.0 %}e{% else %}f{% endif %} {% if 1 %}{% endif %}{% if 'x' and [0] %}g{% endif %}
{% macro m(a, b=2, c=b) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }} {{ m(1, 3) }} {{ m(1, c=9) }} {{ m() }} {{ m(b=5, a=4) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}
{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, a=2) }}
{% macro m(a, b=1, c) %}{% endmacro %}
{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}
{% set x = 1 %}{% macro m() %}{{ x }}{% set x = 2 %}{{ x }}{% endmacro %}{{ m() }}{{ x }}
{% macro m() %}{{ late }}{% endmacro %}{% set late = 7 %}{{ m() }}
{{ m() }}{% macro m() %}{% endmacro %}
{% macro m(x) %}<{{ caller() }}{{ x }}>{% endmacro %}{% call m(1) %}body{% endcall %}
{% macro m() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b) m() %}{{ a }}+{{ b }}{% endcall %}
{% macro m() %} x {% endmacro %}[{{ m() | trim }}] {{ m() ~ 'y' }} {{ m().strip() }}
{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a }}| {% set q = 1 %}{% with q = 2, r = q %}{{ q }}{{ r }}{% endwith %}{{ q }}
{% filter upper %}abc{{ 'd' }}{% endfilter %}
{% generation %}{% set g = 1 %}{{ g }}{% endgeneration %}{{ g }}|
a{# comment #}b{#- x -#} c {#
two lines #}d
{% raw %}{{ x }} {% if %}{% endraw %} {%- raw -%}  y  {%- endraw -%} z
  {% if true %}  
  a
  {% endif %}
b
  {%- if true -%}  
  a
  {%- endif -%}
b
  {%+ if true %}
a{% endif +%}
b
a {{- ' b ' -}} c
{{ 1 -}}
  x
line
{{ 'a' }}
{{ 'b' }}
end
x{% set a = 1 %}
y {# c #}
z
text	{% if 1 %}tabs{% endif %}
{{ text | upper }} {{ text | lower }} {{ 'hello wORLD' | capitalize }} {{ 'hello wORLD-foo (bar' | title }} {{ '  x ' | trim }}| {{ 'xxaxx' | trim('x') }} {{ 5 | upper }} {{ none | trim }}
{{ text | length }} {{ numbers | count }} {{ person | length }} {{ (1, 2) | length }}
{{ 5 | length }}
{{ none | length }}
{{ numbers | join }} {{ numbers | join(', ') }} {{ people | join('/', attribute='name') }} {{ 'abc' | join('-') }} {{ numbers | join(d=1) }}
{{ numbers | first }} {{ numbers | last }} {{ empty | first }}|{{ 'abc' | first }} {{ 'abc' | last }} {{ person | first }}
{{ missing | default }}|{{ missing | default('x') }} {{ none | default('x') }} {{ none | default('x', true) }} {{ '' | d('x', boolean=true) }} {{ person.zip | d('none') }} {{ 0 | default(1) }}
{{ 'aXbXc' | replace('X', '-') }} {{ 'aXbXc' | replace('X', '-', 1) }} {{ 'abc' | replace('', '.') }} {{ 'aaa' | replace('aa', 'b') }} {{ 121 | replace(1, 'x') }}
{{ people | map(attribute='name') | list }} {{ people | map(attribute='role.id') | list }} {{ people | map(attribute='age', default=0) | list }} {{ words | map('upper') | join(' ') }} {{ words | map('replace', 'a', 'o') | list }}
{{ people | map(attribute='name.x.y') | list }}
{{ people | map(attribute='name') | map('lower') | join(',') }} {{ [[1, 2], [3]] | map('first') | list }} {{ [[1, 2], [3]] | map(attribute=0) | list }} {{ [[1, 2], [3]] | map('length') | sum }}
{{ words | map('nosuchfilter') | list }}
{{ people | selectattr('age') | map(attribute='name') | list }} {{ people | rejectattr('age') | map(attribute='name') | list }}
{{ people | selectattr('age', 'gt', 30) | list | length }}
{{ people | selectattr('role.id', 'gt', 1) | list | length }} {{ people | selectattr('name', 'equalto', 'bob') | map(attribute='age') | first }} {{ people | selectattr('age', 'defined') | list | length }} {{ people | rejectattr('name', 'in', ['Ada', 'Cy']) | map(attribute='name') | first }} {{ people | selectattr('role.id', '==', 3) | map(attribute='name') | join }}
{{ [0, 1, '', 'a', none] | select | list }} {{ [0, 1, none] | reject | list }} {{ numbers | select('odd') | list }} {{ numbers | reject('gt', 2) | list }} {{ numbers | select('divisibleby', 2) | list }} {{ [1, 'a'] | select('string') | list }}
{{ words | sort }} {{ words | sort(case_sensitive=true) }} {{ numbers | sort(reverse=true) }} {{ people | sort(attribute='name') | map(attribute='name') | list }} {{ people | sort(attribute='role.id', reverse=true) | map(attribute='name') | join }} {{ [true, 0, 2.5] | sort }}
{{ [1, 'a'] | sort }}
{{ people | sort(attribute='age') }}
{{ words | unique | list }} {{ words | unique(case_sensitive=true) | list }} {{ [1, 1.0, true, 2] | unique | list }}
{{ people | unique(attribute='role') | list }}
{{ [1, 1.0, true, 2, 'a', 'A'] | unique | list }} {{ people | unique(attribute='name') | map(attribute='age') | list }}
{{ numbers | reverse | list }} {{ 'abc' | reverse }} {{ numbers | min }} {{ numbers | max }} {{ words | min }} {{ words | max }} {{ empty | max }}|{{ numbers | sum }} {{ people | sum(attribute='role.id', start=10) }} {{ [0.5, 1] | sum }}
{{ person | items | list }} {{ person | dictsort }} {{ {'b': 1, 'a': 2} | dictsort(by='value') }} {{ {'b': 1, 'A': 2} | dictsort(true) }} {{ missing | items | list }}
{{ text | items | list }}
{{ 'abc' | list }} {{ person | list }} {{ (1, 2) | list }}
{{ '42' | int }} {{ '4.7' | int }} {{ 'x' | int }} {{ 'x' | int(7) }} {{ 3.9 | int }} {{ -3.9 | int }} {{ true | int }} {{ '0x1F' | int(base=16) }} {{ 'ff' | int(0, 16) }} {{ none | int }} {{ ' 12 ' | int }} {{ '1_0' | int }} {{ '+5' | int }} {{ [] | int(3) }}
{{ '1.5' | float }} {{ 'x' | float }} {{ 'x' | float(2.5) }} {{ 3 | float }} {{ '1e3' | float }} {{ 'inf' | float }} {{ none | float }} {{ '0x10' | float }}
{{ -5 | abs }} {{ 5.5 | abs }} {{ (-5.5) | abs }} {{ true | abs }}
{{ 'a' | abs }}
{{ 2.5 | round }} {{ 3.5 | round }} {{ 2.675 | round(2) }} {{ 1234.5678 | round(1) }} {{ 5 | round }} {{ 2.1 | round(method='ceil') }} {{ 2.17 | round(1, 'floor') }} {{ -2.5 | round }} {{ 42.55 | round(0) | int }}
{{ 5 | string }} {{ none | string }} {{ [1, 'a'] | string }} {{ 5 | string + '5' }} {{ 1.0 | string | length }}
{{ html | e }} {{ html | escape }} {{ '<b>' | safe }} {{ 5 | e }}
{{ lines | indent }}|{{ lines | indent(2, true) }}|{{ lines | indent(2, blank=true) }}|{{ lines | indent('> ', first=true) }}|{{ '' | indent }}|{{ 'one' | indent(first=true) }}
{{ {'a': [1, 2.5, none, true, 'x"\n\u00e9\u0001']} | tojson }} {{ 'a/b<c>' | tojson }} {{ (1, 2) | tojson }} {{ {1: 2, none: 3, true: 4, 1.5: 5} | tojson }} {{ [] | tojson }} {{ {} | tojson }} {{ 1e400 | tojson }} {{ 1e100 | tojson }}
{{ person | tojson(indent=2) }} {{ [] | tojson(indent=2) }} {{ [[], {}] | tojson(indent=1) }} {{ person | tojson(sort_keys=true) }} {{ {'b': 1, 'a': [1, 2]} | tojson(separators=(',', ':')) }} {{ 'é😀' | tojson(ensure_ascii=true) }} {{ [1, 2] | tojson(indent=0) }} {{ {'a': 1} | tojson(indent='\t') }}
{{ missing | tojson }}
{{ [missing] | tojson }}
{{ namespace(a=1) | tojson }}
{{ 'a %s b %d c %5.2f %% %r %x' | format('x', 3, 2.5, 'q', 255) }} {{ '%(a)s-%(b)03d' | format(a='x', b=5) }}
{{ '%s' % 'x' }} {{ '%s %s' % (1, 2) }} {{ '%d%%' % 50 }} {{ '%5d|%-5d|%05d|%+d' % (1, 2, 3, 4) }} {{ '%.3s|%8s|%-8s|' % ('abcdef', 'x', 'y') }} {{ '%(name)s is %(age)d' % person }} {{ '%e %g %G' % (12345.678, 0.00001, 1e20) }} {{ '%i %u %o %X %c%c' % (1.9, 2, 8, 255, 65, 'z') }}
{{ '%s %s' % (1,) }}
{{ '%s' % (1, 2) }}
{{ '%d' % 'x' }}
{{ 'plain' % {} }} {{ 'x' % [] }} {{ 'x' % [1] }} {{ '%s' % [1] }} {{ 'x' % person }} {{ 'x' % () }}
{{ 'x' % 1 }}
{{ 'x' % none }}
{{ '%s' % {} }} {{ '%s' % () }}
{{ '%(name)s' % 1 }}
{{ '%(zip)s' % person }}
{{ '%' % 1 }}
{{ '{} {}'.format(1, 'a') }} {{ '{1}{0}'.format('a', 'b') }} {{ '{x}-{y}'.format(x=1, y=none) }} {{ '{{}} {:>5}|{:<5}|{:^5}|{:05d}|{:.2f}|{:x}|{:*^7}'.format('a', 'b', 'c', 42, 3.14159, 255, 'm') }} {{ '{!r}'.format('q') }} {{ '{:+d} {:e}'.format(5, 12.5) }}
{{ '{}'.format() }}
{{ '{'.format(1) }}
{{ 'a,b,,c'.split(',') }} {{ 'a,b,c'.split(',', 1) }} {{ '  a  b '.split() }} {{ ' a b  c '.split(none, 1) }} {{ 'a--b'.split('--')[-1] }} {{ ''.split() }} {{ ''.split(',') }} {{ 'a,b,c'.rsplit(',', 1) }} {{ 'a b c'.rsplit(maxsplit=1) }} {{ 'abc'.split('abc') }}
{{ 'abc'.split('') }}
{{ 'x\ny\r\nz\n'.splitlines() }} {{ 'x\ny'.splitlines(true) }}
{{ '  x '.strip() }}|{{ '  x '.lstrip() }}|{{ '  x '.rstrip() }}|{{ 'xyaxy'.strip('yx') }} {{ 'xya'.lstrip('xy') }} {{ 'ayx'.rstrip('xy') }} {{ '\u00a0\u2003x\x1f'.strip() }}
{{ text.startswith('He') }} {{ text.endswith('ld') }} {{ text.startswith('x') }} {{ text.startswith(('x', 'H')) }} {{ text.endswith('') }}
{{ text.startswith(1) }}
{{ text.replace('l', 'L') }} {{ text.replace('l', 'L', 2) }} {{ text.upper() }} {{ text.lower() }} {{ "they're bill's".title() }} {{ 'hELLO'.capitalize() }} {{ text.find('o') }} {{ text.find('zz') }} {{ text.rfind('o') }} {{ text.index('W') }} {{ text.count('l') }} {{ 'aaa'.count('aa') }} {{ 'abc'.count('') }}
{{ text.index('zz') }}
{{ ', '.join(['a', 'b']) }} {{ '-'.join('abc') }} {{ '-'.join([]) }}|{{ ''.join(words) }}
{{ ', '.join([1, 2]) }}
{{ '12'.isdigit() }} {{ 'a1'.isdigit() }} {{ ''.isdigit() }} {{ 'ab'.isalpha() }} {{ 'a1'.isalnum() }} {{ ' '.isspace() }} {{ 'AB'.isupper() }} {{ 'aB'.islower() }} {{ '5'.zfill(3) }} {{ '-5'.zfill(4) }} {{ 'x'.ljust(3) }}| {{ 'x'.rjust(3, '.') }} {{ 'prefix-x'.removeprefix('prefix-') }} {{ 'x.txt'.removesuffix('.txt') }} {{ 'a=b=c'.partition('=') }} {{ 'a=b=c'.rpartition('=') }} {{ 'x'.partition('=') }}
{{ numbers.index(2) }} {{ numbers.count(2) }} {{ (1, 2, 1).count(1) }}
{{ numbers.index(99) }}
{{ numbers.append(4) }}
{{ numbers.pop() }}
{{ person.update({'a': 1}) }}
{{ person.clear() }}
{{ text.nosuchmethod() }}
{{ text() }}
{{ text.__class__ }}|
{{ dict(a=1, b=2) }} {{ dict([['x', 1]]) }} {{ dict({'q': 1}, r=2) }}
{{ 1 is defined }} {{ missing is defined }} {{ missing is undefined }} {{ missing is not defined }} {{ none is none }} {{ nothing is none }} {{ missing is none }} {{ person.x is defined }} {{ person.none is defined }}
{{ 'a' is string }} {{ 1 is string }} {{ {} is mapping }} {{ [] is mapping }} {{ [] is iterable }} {{ 'a' is iterable }} {{ 1 is iterable }} {{ [] is sequence }} {{ {} is sequence }} {{ 1 is sequence }} {{ () is sequence }} {{ missing is iterable }} {{ missing is string }} {{ missing is mapping }} {{ missing is sequence }}
{{ 1 is number }} {{ 1.5 is number }} {{ true is number }} {{ 'a' is number }} {{ 1 is integer }} {{ true is integer }} {{ 1.5 is float }} {{ 1 is float }} {{ true is boolean }} {{ 1 is boolean }} {{ true is true }} {{ 1 is true }} {{ false is false }} {{ 0 is false }}
{{ 3 is odd }} {{ 3 is even }} {{ 6 is divisibleby 3 }} {{ 6 is divisibleby(4) }} {{ 1 is eq 1 }} {{ 1 is equalto 2 }} {{ 1 is ne 2 }} {{ 1 is lt 2 }} {{ 1 is ge(1) }} {{ 2 is gt 1 }} {{ 1 is le 0 }} {{ 1 is sameas 1 }} {{ true is sameas true }} {{ 1 is in [1, 2] }} {{ 3 is not in [1, 2] }} {{ 'abc' is lower }} {{ 'ABC' is upper }} {{ 'a' is not lower }}
{{ 'x' is odd }}
{{ range is callable }} {{ text is callable }} {{ 'upper' is filter }} {{ 'nosuch' is filter }} {{ 'odd' is test }}
{{ 1 is defined and 2 is defined }} {{ not missing is defined }} {{ (1 is defined) == true }} {{ 'a' if x is defined else 'b' }}
{{ 5 is defined is defined }}
{{ 1 is nosuchtest }}
{{ 1 | nosuchfilter }}
{% if false %}{{ 1 | nosuchfilter }}{% endif %}ok
{{ raise_exception('went wrong: ' ~ 1) }}
{{ raise_exception(missing) }}
{{ strftime_now('%d %B %Y') }} {{ strftime_now('%H:%M:%S %j %p %I %a %A %b %y %m %% %-d %e|%F %T %u %w') }} {{ strftime_now('') }}
{{ -5 | abs }} {{ (-5) | string ~ 'x' }} {{ -numbers[0] }} {{ -person.age | abs }} {{ 'a' ~ 'b' | upper }} {{ 1 + 2 | string | length }} {{ not true | string }}
{{ [1, 2, 3][0] + [4][0] }} {{ {'a': {'b': 5}}.a.b }} {{ 'abc'.upper()[1:].lower() }} {{ ('a', 'b')[1] }} {{ [[1, 2], [3, 4]][1][0] }}
{{ {'a': {'b': {'c': 1}}} }} {{ {'}}': '%}'}['}}'] }} {{ "{{" }} {{ '%}' }}
{{ words | batch(2) | list }} {{ words | batch(2, '-') | list }} {{ 'a b_c d-e' | wordcount }} {{ 'ab' | center(7) }}|{{ 'abc' | center(6) }}|
{{ person | attr('name') }}|{{ text | attr('upper') is callable }}
{{ 'a' | upper | lower | replace('a', 'b') | length }} {{ (words | first).upper() }} {{ words | first | upper }}
{{ [none, false, 0, '', missing] | map('default', 'd', true) | list }} {{ [3, none] | map('string') | list }}
{% for i in range(3) %}{{ ', ' if not loop.first }}{{ i }}{% endfor %} {%- for k in person if k != 'age' -%} {{ k }} {%- endfor %}
{% if text == 'Hello, World' and (numbers | length > 3 or none) and not empty %}all{% endif %}
{% set m = {'a': 1} %}{% set m = dict(m, b=2) %}{{ m }} {% set l = [1] %}{% set l = l + [2] %}{{ l }}
{% for p in people | sort(attribute='name') | rejectattr('age', 'undefined') %}{{ p.name }}{{ p['role']['id'] }} {% endfor %}
{% if (messages | default([])) | length == 0 %}none{% endif %} {{ loop is defined }} {% for i in [1] %}{{ loop is defined }}{% endfor %}
{{ 9223372036854775807 }} {{ -9223372036854775807 - 1 }} {{ 4611686018427387904 + 1 }}
{{ 1
{{ 1 }
{{ }}
{{ 1 + }}
{{ (1 }}
{{ [1, 2 }}
{{ 'abc }}
{{ a b }}
{{ 1 if }}
{{ $ }}
{{ x[] }}
{{ 'a'.b.0.c }}
{% if %}{% endif %}
{% if 1 %}
{% endif %}
{% for x %}{% endfor %}
{% for x in [1] %}
{% endfor x %}
{% nosuchtag %}
{% set %}
{% set x = %}
{% macro %}{% endmacro %}
{% raw %} no end
{# no end
{% if 1 %}{% endfor %}
{{ 1 is 2 }}
{{ x | }}
{{ f(a=1, 2) }}
{{ f(1 2) }}
{{ {1} }}
{{ {'a' 1} }}
{{ "\x4" }}
""".strip("\n")

# A template a line, except that these begin one of several lines.
BLOCKS = {
    "a{# comment #}b": 2, "  {% if true %}  ": 4, "  {%- if true -%}  ": 4, "  {%+ if true %}": 3, "{{ 1 -}}": 2, "line": 4,
    "x{% set a = 1 %}": 3,
}


def _split(source):
    lines = iter(source.split("\n"))
    for line in lines:
        count = next((count for start, count in BLOCKS.items() if line.startswith(start)), 1)
        yield "\n".join([line] + [next(lines) for _ in range(count - 1)])


CASES = list(_split(CASES)) + [
    "", "\n", "a\n", "a\n\n", "a\r\nb\rc\n", "{{ 'x' }}\n", "{% if 1 %}\n\na\n{% endif %}\n\n", "a\n   {# c #}  \n b",
    "{%- set x = 1 %}\n  {{- x }}\n", "  {%- if 1 %} a {%- endif %}", "\t{% set x = 1 %}\t{{ x }}", "{{ 'a\nb' }}{{ 'c' }}",
    "{% raw %}\n  a\n  {% endraw %}\nb", "{%- raw %} a {% endraw -%}\n b", "\n  {% raw %} a {%- endraw %}", "{{+ 1 }}{{-1 }}",
    "{%\n  if\n  1\n%}a{%\nendif\n%}\nb", "{% if 1 -%}\n\n  a\n\n{%- endif %}  b", "{#- a -#}\n\n b {#- c #}\n", "{% set x = 1 -%}\n\n{{ x }}",
    "{% for i in [1,2] %}\n  {{ i }}\n{% endfor %}\n", "{% for i in [1,2] -%}\n  {{ i }}\n{%- endfor %}\n", "a  {%+ if 1 %} b{% endif %}",
    "{% set x %}\n  a\n{% endset %}[{{ x }}]", "{{ 1 }}{# a #}{# b #}\n{{ 2 }}", "x{{ '' }}\n\n\n{%- if 1 %}y{% endif -%}\n\nz",
    "{{ range(100001) }}", "{{ 'a\\\nb' }}", "{{ 1.e5 }}", "{{ 1__0 }}", "{{ 012 }}", "{{ 1.5.x }}|", "{{ 00 }}", "{{ {}['a'] }}|{{ {}.a }}|",
]

CASES += r"""
{% for p in [{'n': 1, 'c': [{'n': 2, 'c': [{'n': 3}]}, {'n': 4}]}, {'n': 5}] recursive %}{{ loop.depth }}{{ loop.depth0 }}:{{ p.n }}({{ loop(p.c) if p.c }}){% endfor %}
{% for x in [[1, [2]], 3] recursive %}{% if x is iterable %}[{{ loop(x) }}]{% else %}{{ x }}{{ ',' if not loop.last }}{% endif %}{% else %}none{% endfor %}
{% for x in [[], [0]] recursive %}<{% if x is iterable %}{{ loop(x) }}{% endif %}>{% else %}empty{% endfor %}
{% for x in [3, 1, 0] if x recursive %}{{ x }}{{ loop([x - 1]) if loop.depth < 3 }}{% endfor %}
{% for x in [1] %}{{ loop([2]) }}{% endfor %}
{% for x in [1] recursive %}{{ loop() }}{% endfor %}
{% for x in [1] recursive %}{{ loop(3) }}{% endfor %}
{% for x in [[1, 2], [3]] recursive %}{% for y in x %}{{ y }}{{ loop.depth }}{% endfor %};{% endfor %}
{% macro f(a, b=2) %}{{ a }}{{ b }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1) }}|{{ f(1, 2, 3, 4) }}|{{ f(1, c=3) }}|{{ f(*[7, 8, 9]) }}|{{ f(**{'a': 1, 'z': 2}) }}
{% macro f(a) %}{{ a }}{% endmacro %}{{ f(*[1]) }}{{ f(*(2,)) }}{{ f(**{'a': 3}) }}{{ f(*'4') }}
{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}
{% macro f(a) %}{{ a }}{{ varargs }}{% endmacro %}{{ f(1, b=2) }}
{% macro f(a) %}{{ a }}{{ kwargs }}{% endmacro %}{{ f(1, 2) }}
{% macro f() %}{{ varargs | join('-') }}{% endmacro %}{{ f(1, *[2, 3]) }}{{ f(*[]) }}
{% macro f() %}{{ kwargs.items() | list }}{% endmacro %}{{ f(a=1, **{'b': 2}) }}
{{ dict(**{'a': 1}) }} {{ dict(a=0, **{'b': 1}) }} {{ dict(a=0, **{'a': 1}) }}
{{ range(*[1, 4]) | list }} {{ 'a{}b{x}'.format(*[1], **{'x': 2}) }} {{ 'x,y' | replace(*[',', ';']) }}
{{ range(*1) }}
{{ dict(**[1]) }}
{{ f(**{}, *[]) }}
{{ f(*[], 1) }}
{% set comma = joiner() %}{% for i in [1, 2, 3] %}{{ comma() }}{{ i }}{% endfor %}
{% set pipe = joiner('|') %}{{ pipe() }}a{{ pipe() }}b{{ pipe() }}
{% set c = cycler('odd', 'even') %}{{ c.next() }} {{ c.next() }} {{ c.next() }} {{ c.current }} {{ c.reset() }} {{ c.current }}
{{ cycler() }}
{{ joiner() is callable }} {{ joiner is callable }}
{{ [1, 2, 3, 4, 5, 6, 7] | slice(3) | list }} {{ [1, 2] | slice(3) | list }} {{ [] | slice(2) | list }} {{ 'abcde' | slice(2) | list }}
{{ [1, 2, 3, 4, 5, 6, 7] | slice(3, '-') | list }} {{ range(6) | slice(3, 0) | list }} {{ [1] | slice(0) | list }}
{{ {'b': 1, 'a': [2, 'x']} | pprint }} {{ 'text' | pprint }} {{ 1.0 | pprint }} {{ none | pprint }} {{ [{'z': 1, 'y': 2}] | pprint }} {{ () | pprint }} {{ (1,) | pprint }}
{{ {'name': 'weather', 'description': 'Says what the weather is like at a place and time', 'parameters': {'type': 'object', 'properties': {'place': {'type': 'string'}}}} | pprint }}
{{ range(40) | list | pprint }}
{{ ('a very long line of words ' * 6) | pprint }}
{{ {'k': 'a very long line of words ' * 6, 'l': ['another long line of words that will not fit in it', 'and one more to make it long']} | pprint }}
{{ ('line one is here\nand line two is longer than the first one was, by some words\n' * 2) | pprint }}
{{ [('x' * 100), ('y ' * 50)] | pprint }} {{ (range(30) | list, 1) | pprint }} {{ {1: 2, 'a': 3} | pprint }}
{{ people | pprint }}
{{ undefined_thing | pprint }}
{{ '{:,}'.format(1234567) }} {{ '{:,}'.format(123) }} {{ '{:,}'.format(-1234.5) }} {{ '{:,.2f}'.format(1234567.891) }} {{ '{:_}'.format(1234567) }} {{ '{:>12,}'.format(1234567) }}
{{ '{:012,}'.format(1234567) }} {{ '{:_x}'.format(1234567890) }} {{ '{:,}'.format(12345678.0) }} {{ '{:b}'.format(10) }} {{ '{:%}'.format(0.25) }} {{ '{:.1%}'.format(0.256) }} {{ '{:,d}'.format(1000) }}
{{ '{:,}'.format('a') }}
{{ 'a long text that must be cut somewhere' | truncate(15) }}|{{ 'a long text that must be cut' | truncate(15, true) }}|{{ 'short' | truncate(5) }}|{{ 'a bit longer' | truncate(9, false, '', 0) }}|{{ 'abc def' | truncate(5) }}
{{ 'a b&c/d?é~' | urlencode }} {{ {'a b': 'c d', 'e': 1} | urlencode }} {{ 7 | urlencode }}
{% for key, group in people | groupby('age', default=0) %}{{ key }}:{{ group | map(attribute='name') | join(',') }};{% endfor %}
{% for key, group in words | groupby(0) %}{{ key }}{{ group }}{% endfor %}
{% for key, group in [{'r': 'B'}, {'r': 'a'}, {'r': 'b'}] | groupby('r') %}{{ key }}{{ group | length }}{% endfor %}
{% block main %}a{% set x = 1 %}{{ x }}{% endblock %}{% block other %}b{% endblock other %}
{% print 1 + 1, 'a' %}
{% autoescape false %}{{ html }}{% endautoescape %}
{{ 1 is escaped }} {{ loop is defined }}
{{ varargs }}|{{ kwargs }}
{% macro f() %}{{ caller(1, 2, k=3) }}{% endmacro %}{% call(a) f() %}{{ a }}{{ varargs }}{{ kwargs }}{% endcall %}
{% macro outer() %}{% macro inner(x) %}{{ varargs }}{% endmacro %}{{ inner(1, 2) }}{% endmacro %}{{ outer() }}
""".strip("\n").split("\n")

"""Python's jinja2 set up as transformers' `_compile_jinja_template` sets it up, with a clock that stands still."""

import functools
import json
from datetime import datetime

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime(2024, 7, 5, 9, 8, 7)


class Generation(jinja2.ext.Extension):
    """`{% generation %}` marks the assistant's text; rendering shows its body."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment():
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda format: NOW.strftime(format)
    return env


def kind(error):
    """The name our `TemplateError.Kind` has for a Python exception."""
    if isinstance(error, (jinja2.exceptions.TemplateSyntaxError, jinja2.exceptions.TemplateAssertionError)):
        return "syntax"
    if isinstance(error, jinja2.exceptions.UndefinedError):
        return "undefined"
    if isinstance(error, jinja2.exceptions.SecurityError):
        return "forbidden"
    if type(error) is jinja2.exceptions.TemplateError:
        return "raised"
    return "value"


ENVIRONMENT = environment()


@functools.lru_cache(maxsize=None)
def compiled(source):
    return ENVIRONMENT.from_string(source)


def render(source, variables):
    """`{"text": …}`, or `{"error": kind}` with the message when the template raised it."""
    try:
        return {"text": compiled(source).render(**variables)}
    except Exception as error:
        result = {"error": kind(error)}
        if result["error"] == "raised":
            result["message"] = str(error)
        return result


def encode(value):
    """Values as JSON that keeps the order of keys and tells 1 from 1.0: dictionaries and floats are tagged."""
    if isinstance(value, dict):
        return {"pairs": [[key, encode(item)] for key, item in value.items()]}
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, float):
        return {"double": repr(value)}
    return value

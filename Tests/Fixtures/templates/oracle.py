"""Python's jinja2 as transformers sets it up, with a clock that stands still."""

import functools
from datetime import datetime

import jinja2
from transformers.utils import chat_template_utils

NOW = datetime(2024, 7, 5, 9, 8, 7)


@functools.lru_cache(maxsize=None)
def compiled(source):
    template = chat_template_utils._compile_jinja_template(source)
    template.environment.globals["strftime_now"] = lambda format: NOW.strftime(format)
    return template


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


def outcome(render):
    """`{"text": …}`, or `{"error": kind}` with the message when the template raised it."""
    try:
        return {"text": render()}
    except Exception as error:
        result = {"error": kind(error)}
        if result["error"] == "raised":
            result["message"] = str(error)
        return result


def render(source, variables):
    """A template with nothing but `variables`."""
    return outcome(lambda: compiled(source).render(**variables))


def render_chat(source, messages, variables):
    """A template with a conversation, as `apply_chat_template` renders it."""

    def run():
        compiled(source)
        rendered, _ = chat_template_utils.render_jinja_template([messages], chat_template=source, **variables)
        return rendered[0]

    return outcome(run)


def encode(value):
    """Values as JSON that keeps the order of keys and tells 1 from 1.0: dictionaries and floats are tagged."""
    if isinstance(value, dict):
        return {"pairs": [[key, encode(item)] for key, item in value.items()]}
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, float):
        return {"double": repr(value)}
    return value

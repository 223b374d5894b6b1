#!/usr/bin/env python3
"""Cases for the grammar of JSON Schema, judged by the reference validator `jsonschema` (4.26, draft 2020-12).

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install jsonschema==4.26.0
    /tmp/venv/bin/python tools/oracle/json_schema.py > Tests/Fixtures/grammar/cases.json
    /tmp/venv/bin/python tools/oracle/json_schema.py --suite JSON-Schema-Test-Suite > /tmp/suite.json

Every schema is tried on a pool of values and on values of its own. A value has several spellings: the members of its
objects in every order, whole numbers without a fraction. A grammar must take one spelling of each valid value and none
of an invalid one. With `--suite` the cases are those of the published test suite, with its own verdicts; the test
reads them where DERA_SCHEMA_CASES names the file.
"""
import argparse
import itertools
import json
import pathlib
import re

POOL = [
    None, True, False, 0, 1, -1, 2, 3, 5, 7, 9, 10, 11, 12, 42, 99, 100, 101, 255, 256, 999, 1000, 1234, -5, -10, -100,
    1.0, 0.5, -0.5, 1.5, 2.25, 2.5, 9.99, 10.01, 99.5, 0.1, 0.10000001, 0.25, 0.3, 3.14159, -2.75, -1.05, 12345678901234,
    "", "a", "b", "ab", "abc", "abcd", "abcde", "A", "0", "12", "123", "a1", "foo", "bar", "foobar", "é", "日本語", "😀",
    "😀😀", "a\nb", "\"", "\\", "\u0001", "/", "a b", "2024-02-29", "2023-02-29", "2024-12-31", "2024-13-01",
    "1999-04-31", "12:30:00Z", "25:00:00Z", "2024-02-29T12:30:00Z", "2024-02-29T12:30:00.5+01:00",
    "2024-02-30T12:30:00Z", "123e4567-e89b-12d3-a456-426614174000", "123e4567-e89b-12d3-a456-42661417400",
    "192.168.0.1", "192.168.0.256",
    [], [1], ["a"], [1, 2], ["a", "b"], [1, "a"], ["a", 1], [1, 2, 3], [1, 2, 3, 4], [[]], [[1], [2]], [{}], [None], [True],
    {}, {"a": 1}, {"a": "x"}, {"b": 2}, {"a": 1, "b": 2}, {"a": 1, "b": "x"}, {"c": 3}, {"a": 1, "c": 3},
    {"a": 1, "b": 2, "c": 3}, {"aa": 1}, {"a": None}, {"a": {"a": 1}}, {"a": [1]}, {"a\"": 1}, {"": 0}, {"é": 1},
    {"kind": "x", "v": 1}, {"kind": "y", "v": "s"}, {"kind": "y", "v": 1}, {"kind": "x"},
    {"value": 1}, {"value": 1, "next": {"value": 2}}, {"value": 1, "next": {"value": "x"}}, {"next": None},
    {"value": 1, "next": None},
]


def integer(**more):
    return {"type": "integer", **more}


A = {"type": "object", "properties": {"a": {"type": "integer"}}}
SCHEMAS = [
    True, False, {}, {"title": "t", "description": "d", "default": 1, "examples": [1], "$comment": "c", "deprecated": True},
    *[{"type": t} for t in ["null", "boolean", "integer", "number", "string", "array", "object"]],
    {"type": ["string", "null"]}, {"type": ["integer", "array"]}, {"type": ["number", "boolean"]}, {"type": []},
    # const and enum
    {"const": 1}, {"const": "a"}, {"const": None}, {"const": [1, "a"]}, {"const": {"a": 1, "b": 2}}, {"const": 1.5},
    {"const": "é\n\""}, {"enum": ["a", "ab", "abc"]}, {"enum": [1, "a", None, [1], {"a": 1}]},
    {"enum": ["a", 1, 2.5], "type": "string"}, {"enum": [1, 2, 3, 100], "minimum": 2, "maximum": 50},
    {"enum": ["a", "ab", "abc"], "minLength": 2}, {"enum": [0, False, ""]}, {"enum": ["😀", "\\"]},
    {"type": "integer", "enum": [1.0, 2, 2.5]},
    # strings
    {"type": "string", "minLength": 2}, {"type": "string", "maxLength": 2}, {"type": "string", "minLength": 1, "maxLength": 3},
    {"minLength": 2}, {"maxLength": 0}, {"type": "string", "minLength": 4, "maxLength": 2},
    {"type": "string", "pattern": "^a"}, {"type": "string", "pattern": "b$"}, {"type": "string", "pattern": "o"},
    {"type": "string", "pattern": "^[a-z]+$"}, {"type": "string", "pattern": "^(foo|bar)+$"}, {"pattern": "^a|b$"},
    {"type": "string", "pattern": "^[^a-z]*$"}, {"type": "string", "pattern": "^.{1,3}$"}, {"type": "string", "pattern": "^[a-c]{2,4}?$"},
    {"type": "string", "pattern": "^\\w\\d?$"}, {"type": "string", "pattern": "^\\S+$"}, {"type": "string", "pattern": "\\s"},
    {"type": "string", "pattern": "^(?:a|)(b?c*)*$"}, {"type": "string", "pattern": "^[\\u3040-\\u30ff\\u4e00-\\u9fff]+$"},
    {"type": "string", "pattern": "[\\\\\"]"}, {"type": "string", "pattern": "^\\x61\\u0062$"}, {"type": "string", "pattern": ""},
    {"type": "string", "pattern": "^[a-z]{3}$", "minLength": 2, "maxLength": 3}, {"type": "string", "pattern": "^[\\-a.]{0,2}$"},
    *[{"type": "string", "format": f} for f in ["date", "time", "date-time", "uuid", "ipv4"]],
    # numbers
    integer(minimum=2), integer(maximum=2), integer(minimum=-5, maximum=10), integer(minimum=10, maximum=99),
    integer(exclusiveMinimum=1, exclusiveMaximum=10), integer(minimum=0), integer(maximum=-1), integer(minimum=7, maximum=1234),
    integer(minimum=1.5, maximum=10.5), integer(exclusiveMinimum=-10, maximum=0), integer(minimum=5, maximum=5),
    integer(minimum=255), integer(maximum=-10), integer(minimum=5, maximum=4), {"minimum": 5}, {"exclusiveMaximum": 0},
    {"type": "number", "minimum": 0.5}, {"type": "number", "exclusiveMinimum": 0.5}, {"type": "number", "maximum": 2.25},
    {"type": "number", "exclusiveMaximum": 2.25}, {"type": "number", "minimum": -0.5, "maximum": 0.3},
    {"type": "number", "minimum": -2.75, "maximum": -1.05}, {"type": "number", "exclusiveMinimum": 0.1, "maximum": 9.99},
    {"type": "number", "minimum": 1, "exclusiveMaximum": 2}, {"type": "number", "exclusiveMinimum": 0},
    {"type": "number", "minimum": 0.1, "maximum": 0.1}, {"type": "number", "minimum": 99.5}, {"type": "number", "maximum": -1},
    {"type": "number", "minimum": 2.2, "maximum": 2.3}, {"type": "number", "minimum": 1e-3, "maximum": 1e3},
    # arrays
    {"type": "array", "items": {"type": "integer"}}, {"items": {"type": "string"}}, {"type": "array", "minItems": 2},
    {"type": "array", "maxItems": 1}, {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3},
    {"type": "array", "maxItems": 0}, {"type": "array", "items": False}, {"type": "array", "uniqueItems": False},
    {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}]},
    {"type": "array", "prefixItems": [{"type": "integer"}], "items": False},
    {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "integer"}], "items": {"type": "integer"}, "minItems": 1, "maxItems": 3},
    {"type": "array", "prefixItems": [{"type": "integer"}], "minItems": 2}, {"type": "array", "minItems": 3, "maxItems": 2},
    {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}, {"type": "array", "prefixItems": [{}, {}], "maxItems": 1},
    # objects
    A, {**A, "required": ["a"]}, {**A, "additionalProperties": False}, {**A, "additionalProperties": {"type": "string"}},
    {"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["b"]},
    {"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "additionalProperties": False, "minProperties": 2},
    {"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "additionalProperties": False, "maxProperties": 2},
    {"type": "object", "properties": {"a": {}, "b": {}, "c": {}}, "maxProperties": 1}, {"type": "object", "minProperties": 1},
    {"type": "object", "maxProperties": 0}, {"type": "object", "required": ["c"]}, {"required": ["a"], "additionalProperties": {"type": "integer"}},
    {"type": "object", "additionalProperties": {"type": "integer"}}, {"type": "object", "properties": {"a": False}},
    {"type": "object", "properties": {"aa": {"type": "string"}, "a\"": {"type": "string"}, "é": {"type": "string"}}},
    {"type": "object", "properties": {"a": {"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]}}},
    {"type": "object", "properties": {"a": False}, "required": ["a"]},
    # combinations
    {"anyOf": [{"type": "integer"}, {"type": "string", "maxLength": 1}]}, {"anyOf": [{"minimum": 10}, {"maximum": 0}], "type": "integer"},
    {"type": "object", "properties": {"a": {"type": "integer"}, "b": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
    {"oneOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
    {"oneOf": [{"properties": {"kind": {"const": "x"}, "v": {"type": "integer"}}, "required": ["kind"], "type": "object"},
               {"properties": {"kind": {"const": "y"}, "v": {"type": "string"}}, "required": ["kind"], "type": "object"}]},
    {"oneOf": [{"type": "integer", "minimum": 10}, {"type": "integer", "exclusiveMaximum": 10}]},
    {"oneOf": [{"const": 1}, {"enum": [2, 3]}]}, {"oneOf": [{"maxLength": 2}, {"minLength": 3}], "type": "string"},
    {"allOf": [{"minimum": 2}, {"maximum": 10}], "type": "integer"}, {"allOf": [{"enum": [1, 2, 3]}, {"enum": [2, 3, 4]}]},
    {"allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"properties": {"b": {"type": "integer"}}, "required": ["b"]}], "type": "object"},
    {"allOf": [A, {"properties": {"a": {"minimum": 1}}, "additionalProperties": False}]},
    {"allOf": [{"properties": {"a": {}}, "additionalProperties": False}, {"properties": {"b": {}}}], "type": "object"},
    {"allOf": [{"anyOf": [{"type": "integer"}, {"type": "string"}]}, {"anyOf": [{"minimum": 5}, {"maxLength": 2}]}]},
    {"allOf": [{"prefixItems": [{"type": "integer"}]}, {"items": {"minimum": 2}}], "type": "array"}, {"allOf": [{"type": "string"}, {"type": "integer"}]},
    # references
    {"$defs": {"n": {"type": "integer", "minimum": 5}}, "$ref": "#/$defs/n"},
    {"$defs": {"n": {"minimum": 5}}, "$ref": "#/$defs/n", "type": "integer", "maximum": 99},
    {"definitions": {"a/b~c%": {"type": "string"}}, "items": {"$ref": "#/definitions/a~1b~0c%25"}, "type": "array"},
    {"type": "object", "properties": {"value": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["value"], "additionalProperties": False},
    {"$defs": {"tree": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}, "$ref": "#/$defs/tree"},
    {"properties": {"a": {"$ref": "#/properties/b"}, "b": {"type": "integer"}}, "type": "object"},
]

MAXIMUM_SPELLINGS = 720


def spellings(value):
    if isinstance(value, dict):
        members = [[json.dumps(k, ensure_ascii=False) + ":" + s for s in spellings(v)] for k, v in value.items()]
        orders = itertools.permutations(members)
        texts = ("{" + ",".join(choice) + "}" for order in orders for choice in itertools.product(*order))
        return list(itertools.islice(dict.fromkeys(texts), MAXIMUM_SPELLINGS))
    if isinstance(value, list):
        choices = itertools.product(*[spellings(v) for v in value])
        return ["[" + ",".join(choice) + "]" for choice in itertools.islice(choices, MAXIMUM_SPELLINGS)]
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e16:
        return [json.dumps(value), str(int(value))]
    return [json.dumps(value, ensure_ascii=False)]


def own():
    from jsonschema import Draft202012Validator, FormatChecker, ValidationError, validators

    checker = FormatChecker()
    # jsonschema has these only with further packages.
    from datetime import datetime

    @checker.checks("date-time", raises=ValueError)
    def date_time(text):
        return not isinstance(text, str) or ("T" in text and datetime.fromisoformat(text).tzinfo is not None)

    @checker.checks("time", raises=ValueError)
    def time(text):
        return not isinstance(text, str) or datetime.fromisoformat("2000-01-01T" + text).tzinfo is not None

    # Patterns are ECMA-262's, whose classes are ASCII's; Python's are Unicode's.
    def pattern(validator, text, instance, schema):
        if isinstance(instance, str) and not re.search(text, instance, re.ASCII):
            yield ValidationError(f"{instance!r} does not match {text!r}")

    Validator = validators.extend(Draft202012Validator, {"pattern": pattern})
    cases = []
    for schema in SCHEMAS:
        validator = Validator(schema, format_checker=checker)
        cases.append({"schema": schema, "valid": "".join("01"[validator.is_valid(value)] for value in POOL)})
    return {"pool": [spellings(value) for value in POOL], "cases": cases}


def suite(directory):
    cases = []
    for file in sorted((pathlib.Path(directory) / "tests" / "draft2020-12").glob("*.json")):
        for group in json.loads(file.read_text()):
            tests = [{"name": t["description"], "valid": t["valid"], "texts": spellings(t["data"])} for t in group["tests"]]
            cases.append({"file": file.stem, "name": group["description"], "schema": group["schema"], "tests": tests})
    return {"suite": cases}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--suite")
    options = parser.parse_args()
    result = suite(options.suite) if options.suite else own()
    print(json.dumps(result, ensure_ascii=False, separators=(",", ":")))


main()

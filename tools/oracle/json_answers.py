#!/usr/bin/env python3
"""Constrained answers of a bundle, judged by the reference validator `jsonschema`.

    python3 tools/oracle/json_answers.py .build/release/dera quantized-models/storyteller/storyteller.dera

Runs `dera run --json-schema` with every schema below for several λ, seeds and temperatures. Answers that `--max-tokens` cuts are counted,
not judged. Needs jsonschema.
"""
import json
import subprocess
import sys

from jsonschema import Draft202012Validator

SCHEMAS = [
    {"type": "object", "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer", "minimum": 0, "maximum": 120}},
     "required": ["name", "age"], "additionalProperties": False},
    {"type": "array", "items": {"type": "number", "minimum": -1.5, "exclusiveMaximum": 2.25}, "minItems": 2, "maxItems": 5},
    {"anyOf": [{"type": "string", "pattern": "^[A-Z][a-z]{2,8}$"}, {"type": "null"}]},
    {"$defs": {"tree": {"type": "object", "properties": {"value": {"enum": [1, 2, 3]}, "children": {
        "type": "array", "items": {"$ref": "#/$defs/tree"}, "maxItems": 2}}, "required": ["value"], "additionalProperties": False}},
     "$ref": "#/$defs/tree"},
    {"type": "object", "properties": {"at": {"type": "string", "format": "date"}, "tags": {"type": "array", "items": {
        "type": "string", "minLength": 2, "maxLength": 6}, "maxItems": 3}}, "required": ["at"], "maxProperties": 2},
]


def main():
    dera, bundle = sys.argv[1:3]
    valid = cut = 0
    wrong = []
    for schema in SCHEMAS:
        validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
        for weight in ["0", "0.5", "1", "4"]:
            for temperature, seed in [("0", "1"), ("0.8", "2"), ("2", "3"), ("10", "4")]:
                command = [dera, "run", bundle, "--raw", "--json", "--json-schema", json.dumps(schema), "--lambda", weight, "--temperature",
                           temperature, "--seed", seed, "-n", "150", "--top-k", "0", "--top-p", "1", "Once upon a time"]
                report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                if report["finish_reason"] == "length":
                    cut += 1
                elif validator.is_valid(json.loads(report["text"])):
                    valid += 1
                else:
                    wrong.append(report["text"])
    print(f"{valid} valid, {cut} cut, {len(wrong)} wrong")
    print("\n".join(wrong))
    return 1 if wrong else 0


sys.exit(main())

"""Renders every template with every conversation, and every case of cases.py, with transformers and jinja2.

    python generate.py [DIRECTORY OF GGUF FILES]

Writes conversations.json, expected.json, cases.json and SHA256SUMS; with a directory also models.json, for the
templates inside the GGUF files there (needs the package `gguf`), which are not stored here themselves.
"""

import hashlib
import json
import sys
from pathlib import Path

from cases import CASES, VARIABLES
from oracle import encode, render, render_chat

HERE = Path(__file__).resolve().parent
COMMON = {"bos_token": "<s>", "eos_token": "</s>"}


def user(text):
    return {"role": "user", "content": text}


def assistant(text, **more):
    return {"role": "assistant", "content": text, **more}


def system(text):
    return {"role": "system", "content": text}


WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Today's weather in a \"place\" <&> 'more' – é 🌦",
        "parameters": {
            "type": "object",
            "properties": {"place": {"type": "string"}, "days": {"type": "integer", "minimum": 0.5}},
            "required": ["place"],
        },
    },
}
CALL = {"type": "function", "function": {"name": "weather", "arguments": {"place": "Zürich", "days": 2, "exact": True}}}
QUESTION = user("Is it raining in Zürich?")

CONVERSATIONS = {
    "single": [user("Hello")],
    "padded": [user("  \n Hello there \t\n")],
    "empty text": [user("")],
    "no messages": [],
    "system": [system("Be brief."), user("Hello")],
    "system only": [system("Be brief.")],
    "turns": [user("One"), assistant("Two"), user("Three")],
    "long": [system("S"), user("1"), assistant(" 2 "), user("3"), assistant("4"), user("5"), assistant("6")],
    "ends with assistant": [user("One"), assistant("Two\n")],
    "late system": [user("One"), assistant("Two"), system("Now in French."), user("Three")],
    "two users": [user("One"), user("Two")],
    "starts with assistant": [assistant("Hi"), user("Hello")],
    "unknown role": [user("One"), {"role": "critic", "content": "Bad"}],
    "unicode": [system("日本語で。"), user("e\u0301 é 👩‍👩‍👧 \r\n\u00a0 שלום \u2028 \u0000\u001f")],
    "look-alikes": [user("{{ 1 }} {% if %} <|im_end|> [/INST] <end_of_turn>"), assistant("</think> <think>"), user("ok")],
    "parts": [user([{"type": "text", "text": " Look: "}, {"type": "image"}, {"type": "text", "text": "what?"}])],
    "system parts": [{"role": "system", "content": [{"type": "text", "text": "Be kind."}]}, user("Hello")],
    "no content": [user(None)],
    "thinking": [
        user("2+2?"),
        assistant("<think>\neasy\n</think>\n\n4"),
        user("3+3?"),
        assistant("<think>\nalso easy\n</think>\n\n6"),
    ],
    "reasoning": [user("2+2?"), assistant("4", reasoning_content="\nsimple\n")],
    "reasoning by another name": [user("2+2?"), assistant("4", reasoning="r"), user("?"), assistant("5", thinking="t")],
    "tools": [system("Use tools."), QUESTION],
    "tool call": [
        QUESTION,
        assistant("", tool_calls=[CALL]),
        {"role": "tool", "content": '{"rain": true}'},
        assistant("Yes."),
        user("Thanks"),
    ],
    "two calls": [
        QUESTION,
        assistant("Let me look.", tool_calls=[CALL, CALL]),
        {"role": "tool", "content": "yes"},
        {"role": "tool", "content": "no"},
    ],
    "flat call": [QUESTION, assistant("", tool_calls=[CALL["function"]]), {"role": "tool", "content": [1, 2.5, None]}],
}
TOOLS = {"tools", "tool call", "two calls", "flat call"}

# Variables of a rendering beside the messages: what a caller may add.
SETTINGS = {
    "prompt": {"add_generation_prompt": True},
    "text": {"add_generation_prompt": False},
    "system tools, no thinking": {
        "add_generation_prompt": True,
        "enable_thinking": False,
        "tools_in_user_message": False,
        "date_string": "01 Jan 2025",
    },
}


def renderings(source):
    for name, messages in CONVERSATIONS.items():
        for setting, more in SETTINGS.items():
            tools = [WEATHER] if name in TOOLS else None
            yield [name, setting, render_chat(source, messages, {"tools": tools, **COMMON, **more})]


def templates_of(directory):
    from gguf import GGUFReader

    for path in sorted(Path(directory).glob("*.gguf")):
        field = GGUFReader(path).get_field("tokenizer.chat_template")
        if field is not None:
            yield path.name, field.contents()


def write(name, value):
    (HERE / name).write_text(json.dumps(value, ensure_ascii=True, indent=0, separators=(",", ":")) + "\n")


def main():
    conversations = {
        "variables": encode(COMMON),
        "tools": encode([WEATHER]),
        "conversations": [[name, name in TOOLS, encode(messages)] for name, messages in CONVERSATIONS.items()],
        "settings": [[name, encode(setting)] for name, setting in SETTINGS.items()],
    }
    write("conversations.json", conversations)
    templates = sorted(HERE.glob("*.jinja"))
    write("expected.json", {path.stem: list(renderings(path.read_text())) for path in templates})
    write("cases.json", {
        "variables": encode(VARIABLES),
        "cases": [{"source": source, **render(source, dict(VARIABLES))} for source in CASES],
    })
    if len(sys.argv) > 1:
        write("models.json", {name: list(renderings(source)) for name, source in templates_of(sys.argv[1])})
    files = sorted(path for path in HERE.iterdir() if path.suffix in {".jinja", ".json", ".py"})
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (HERE / "SHA256SUMS").write_text("".join(sums))


if __name__ == "__main__":
    main()

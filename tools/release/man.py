#!/usr/bin/env python3
"""Writes a manual page for every command of the programs, from what they say about themselves.

Usage: man.py --output DIRECTORY --version VERSION --time SECONDS JSON…
Each JSON file has the name of a program and what it prints with --experimental-dump-help (swift-argument-parser, version 0).
Of two programs with the same command, the later one describes it.
"""

import argparse
import datetime
import json
import pathlib
import re
import sys

EXIT_STATUS = (
    ("0", "Success."),
    ("1", "Failure; standard error says what and where."),
    ("64", "The command line is wrong."),
    ("130", "Ended by Ctrl-C."),
)


def escaped(text):
    """Text as troff takes it. Every hyphen becomes a minus, so that options can be copied from the page; lists may break."""
    text = re.sub(r",(?=\S)", r",\\:", text.replace("\\", "\\e").replace("-", "\\-"))
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def discussion(text):
    """The lines of a page for a command's discussion: paragraphs, and indented lines as they are."""
    lines = []
    verbatim = False
    for line in text.split("\n"):
        indented = line.startswith("  ")
        if indented != verbatim:
            lines += [".PP", ".nf"] if indented else [".fi"]
            verbatim = indented
        lines.append(escaped(line) if line.strip() else ".PP")
    return lines + ([".fi"] if verbatim else [])


def name(argument):
    """How an argument is written: `-t`, `--threads <list>`."""
    value = f" <{argument['valueName']}>" if argument["kind"] == "option" else ""
    if argument["kind"] == "positional":
        return f"<{argument['valueName']}>"
    spelled = [("--" if each["kind"] == "long" else "-") + each["name"] for each in argument["names"]]
    return ", ".join(sorted(spelled, key=len)) + value


def synopsis(invocation, arguments):
    """The command with its positional arguments and the options that must be given."""
    words = []
    for argument in arguments:
        if argument["kind"] == "positional" or not argument["isOptional"] and argument["kind"] == "option":
            word = name(argument) + (" ..." if argument["isRepeating"] else "")
            words.append(f"[{word}]" if argument["isOptional"] else word)
    return [f".B {escaped(invocation)}", escaped(" ".join(words + ["[options]"]))]


def described(argument):
    """The lines of a page for one argument."""
    facts = []
    about = argument.get("abstract", "")
    if values := argument.get("allValues"):
        facts.append("values: " + ", ".join(values))
    if (default := argument.get("defaultValue")) and "(default" not in about:
        facts.append(f"default: {default}")
    if facts:
        about = f"{about} ({'; '.join(facts)})"
    return [".TP", f".B {escaped(name(argument))}", escaped(about)]


def sections(arguments):
    """The arguments under the headings of the command's help."""
    groups = {}
    for argument in arguments:
        title = "Arguments" if argument["kind"] == "positional" else argument.get("sectionTitle") or "Options"
        groups.setdefault(title, []).append(argument)
    order = sorted(groups, key=lambda title: (title != "Arguments", title == "Options"))
    return [line for title in order for line in [f".SH {escaped(title.upper())}"] + sum(map(described, groups[title]), [])]


def page(command, title, invocation, others, options):
    """The whole page of one command."""
    day = datetime.datetime.fromtimestamp(options.time, datetime.timezone.utc).date()
    arguments = [each for each in command.get("arguments", []) if each["shouldDisplay"]]
    abstract = command["abstract"].rstrip(".")
    lines = [f'.TH {escaped(title.upper())} 1 {day} "dera {options.version}" "DeRa edge runtime"', ".ad l", ".nh"]
    lines += [".SH NAME", f"{escaped(title)} \\- {escaped(abstract)}"]
    lines += [".SH SYNOPSIS"] + synopsis(invocation, arguments)
    lines += [".SH DESCRIPTION", f"{escaped(command['abstract'])}"]
    text, _, examples = command.get("discussion", "").partition("Examples:\n")
    lines += [".PP"] + discussion(text.strip("\n")) if text.strip() else []
    lines += sections(arguments)
    if subcommands := shown(command):
        lines.append(".SH COMMANDS")
        for each in subcommands:
            called = f"{invocation}-{each['commandName']}"
            lines += [".TP", f".BR {escaped(called)} (1)", escaped(each["abstract"])]
    lines += [".SH EXAMPLES"] + discussion(examples) if examples else []
    lines.append(".SH EXIT STATUS")
    for status, meaning in EXIT_STATUS:
        lines += [".TP", f".B {status}", meaning]
    lines += [".SH SEE ALSO", ",\n".join(f".BR {escaped(each)} (1)" for each in others if each != title)]
    return "\n".join(tidy(lines)) + "\n"


def tidy(lines):
    """The lines without breaks between paragraphs that no paragraph follows, or none precedes."""
    for before, line, after in zip([""] + lines, lines, lines[1:] + [""]):
        if line != ".PP" or before[:3] != ".SH" and after[:3] not in (".PP", ".SH", ""):
            yield line


def shown(command):
    return [each for each in command.get("subcommands", []) if each["shouldDisplay"] and each["commandName"] != "help"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--time", type=int, required=True, help="the pages' date, in seconds since 1970")
    parser.add_argument("help", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    programs = {}
    for path in options.help:
        told = json.loads(path.read_text())
        if told.get("serializationVersion") != 0:
            sys.exit(f"man.py: {path}: expected version 0 of the format, found {told.get('serializationVersion')}")
        programs[path.name] = told["command"]
    written = {}
    for title, program in programs.items():
        written[title] = page(program, title, program["commandName"], programs, options)
        for command in shown(program):
            invocation = f"{program['commandName']} {command['commandName']}"
            called = invocation.replace(" ", "-")
            # A command that another program carries out has its page from there.
            if called not in programs:
                written[called] = page(command, called, invocation, programs, options)
    options.output.mkdir(parents=True, exist_ok=True)
    for title, text in written.items():
        (options.output / f"{title}.1").write_text(text)


main()

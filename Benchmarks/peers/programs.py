"""The programs compared, as data, and how each is started; every measurement is a process of its own."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import machine
import memory

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# A text of this many tokens in SmolLM2's vocabulary; so many copies of it make a longer one.
PROMPT_TOKENS = 128
TEXT = (HERE / "prompt.txt").read_text().strip()
CONTEXT = 1024
# GGUF types that have as many bits a weight as ours.
PEER_CODECS = {"int4": "q4_0", "int8": "q8_0"}
# Makes glibc ask for 2 MB pages for large allocations, so for repacked weights.
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}

# The texts that end an answer in the vocabularies of make_models.py.
KEEP_GOING = ["--logit-bias", "0=-inf", "--logit-bias", "2=-inf"]


@dataclass(frozen=True)
class Variant:
    name: str
    program: str
    title: str
    pair: bool
    arguments: tuple = ()
    environment: tuple = ()
    needs_threads: int = 1


VARIANTS = [
    Variant("dera-one", "dera", "DeRa, one model", False, ("--lambda", "0")),
    Variant("dera-pair", "dera", "DeRa, pair", True, ("--lambda", "0.5")),
    Variant("llama-one", "llama", "llama.cpp, one model", False, ("--arrangement", "one")),
    Variant("llama-one-mapped", "llama", "llama.cpp, one model, not repacked", False,
            ("--arrangement", "one", "--no-repack")),
    Variant("llama-turn", "llama", "llama.cpp, two models in turn", True, ("--arrangement", "turn")),
    Variant("llama-halves", "llama", "llama.cpp, two models, half the threads each", True,
            ("--arrangement", "halves"), needs_threads=2),
    Variant("llama-turn-mapped", "llama", "llama.cpp, two models in turn, not repacked", True,
            ("--arrangement", "turn", "--no-repack")),
    Variant("llama-one-huge", "llama", "llama.cpp, one model, 2 MB pages", False, ("--arrangement", "one"),
            tuple(HUGE_PAGES.items())),
    Variant("llama-turn-huge", "llama", "llama.cpp, two models in turn, 2 MB pages", True,
            ("--arrangement", "turn"), tuple(HUGE_PAGES.items())),
    Variant("llama-halves-huge", "llama", "llama.cpp, two models, half the threads each, 2 MB pages", True,
            ("--arrangement", "halves"), tuple(HUGE_PAGES.items()), needs_threads=2),
    Variant("transformers-pair", "transformers", "transformers (f32), logits processor", True,
            ("--arrangement", "turn")),
]
BY_NAME = {variant.name: variant for variant in VARIANTS}
# transformers is for context: slow, and not quantised.
DEFAULT = [variant.name for variant in VARIANTS if variant.program != "transformers"]


@dataclass
class Finished:
    """What a command printed, how long it took, the most memory seen while it ran, and how busy the others were."""

    output: bytes
    seconds: float
    peak: dict
    # Processor cores that other processes used on average.
    others: float


def hurry():
    """In a child before its program starts: the highest priority, against other sessions too (man 7 sched, autogroup)."""
    os.setpriority(os.PRIO_PROCESS, 0, -20)
    group = Path("/proc/self/autogroup")
    if group.exists():
        group.write_text("-20")


def run(command, options, environment=()):
    before = machine.busy_seconds(), machine.children_seconds()
    start = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        env=dict(os.environ, **dict(environment)), preexec_fn=hurry if options.hurry else None)
    peak = {}
    while process.poll() is None:
        for name, value in memory.status(process.pid).items():
            peak[name] = max(value, peak.get(name, 0))
        time.sleep(0.02 if time.perf_counter() - start < 1 else 0.2)
    seconds = time.perf_counter() - start
    output, errors = process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"{command[0]} failed with code {process.returncode}:\n{errors.decode()}")
    others = machine.busy_seconds() - before[0] - (machine.children_seconds() - before[1])
    return Finished(output, seconds, peak, max(others, 0) / seconds)


def prompt(tokens):
    """A text of about `tokens` tokens; the programs say how many theirs are."""
    return " ".join([TEXT] * max(round(tokens / PROMPT_TOKENS), 1))


def measure(variant, model, codec, threads, options):
    """One sample of `variant`: a dictionary of figures."""
    return {"dera": measure_dera, "llama": measure_llama, "transformers": measure_transformers}[variant.program](
        variant, model, codec, threads, options)


def measure_dera(variant, model, codec, threads, options):
    def dera(text, tokens):
        process = run([
            options.dera, "run", model / f"{codec}.dera", text, *variant.arguments, "-t", threads, "-c", CONTEXT, "--raw",
            "--temperature", 0, "--json", "-n", tokens, *KEEP_GOING], options)
        return process, json.loads(process.output)

    # The whole process, its end included: nothing is left out of our time to the first token.
    first, _ = dera(prompt(PROMPT_TOKENS), 1)
    decoding, report = dera(prompt(PROMPT_TOKENS), options.tokens + 1)
    processes = [first, decoding]
    sample = dict(
        prompt_tokens=report["prompt_tokens"], first_token=first.seconds, decode=report["decode_tokens_per_second"])
    if options.prefill:
        process, report = dera(prompt(options.prefill), 1)
        processes.append(process)
        sample["prefill"] = report["prefill_tokens_per_second"]
    return dict(
        sample, peak_rss=max(process.peak["VmHWM"] for process in processes),
        rss_anon=max(process.peak["RssAnon"] for process in processes),
        others=max(process.others for process in processes))


def measure_llama(variant, model, codec, threads, options):
    peer = PEER_CODECS[codec]
    files = [model / f"{peer}.gguf", model / f"{peer}.second.gguf"][:2 if variant.pair else 1]
    return measure_python([
        "llama_pair.py", *files, *variant.arguments, "--threads", threads, "--flash", options.flash, "--context",
        CONTEXT, "--prompt", prompt(PROMPT_TOKENS), "--tokens", options.tokens,
        *(["--long-prompt", prompt(options.prefill)] if options.prefill else [])],
        options, variant.environment)


def measure_transformers(variant, model, codec, threads, options):
    return measure_python([
        "transformers_pair.py", model / "hf", *variant.arguments, "--threads", threads, "--prefill", options.prefill,
        "--tokens", options.tokens], options)


def measure_python(script, options, environment=()):
    process = run([sys.executable, HERE / script[0], *script[1:]], options, environment)
    return dict(json.loads(process.output), others=process.others)

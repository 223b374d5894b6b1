"""Runs one model or a pair with llama.cpp once and prints what it measured as JSON; `run` starts one process a time.

Arrangements: `one` model; `turn`, both models one after the other with all threads; `halves`, both at the same time
with half the threads each.
"""

import argparse
import ctypes
import json
import threading
import time
from pathlib import Path

import llama_cpp
import numpy as np

import memory


class Model:
    """A model with its context; its logits are a view of llama.cpp's memory."""

    def __init__(self, path, threads, repack, flash, context):
        parameters = llama_cpp.llama_model_default_params()
        parameters.use_extra_bufts = repack
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), parameters)
        settings = llama_cpp.llama_context_default_params()
        settings.n_ctx = context
        settings.n_batch = context
        settings.n_threads = settings.n_threads_batch = threads
        settings.flash_attn_type = flash
        settings.no_perf = True
        self.context = llama_cpp.llama_init_from_model(self.model, settings)
        self.vocabulary = llama_cpp.llama_model_get_vocab(self.model)
        self.size = llama_cpp.llama_vocab_n_tokens(self.vocabulary)

    def tokens(self, text):
        data = text.encode()
        ids = (llama_cpp.llama_token * (len(data) + 8))()
        count = llama_cpp.llama_tokenize(self.vocabulary, data, len(data), ids, len(ids), False, True)
        return list(ids[:count])

    def decode(self, tokens):
        """Appends tokens; afterwards `logits` are those of the last."""
        ids = (llama_cpp.llama_token * len(tokens))(*tokens)
        code = llama_cpp.llama_decode(self.context, llama_cpp.llama_batch_get_one(ids, len(tokens)))
        if code != 0:
            raise SystemExit(f"llama_decode failed with code {code}")

    def logits(self):
        pointer = llama_cpp.llama_get_logits_ith(self.context, -1)
        return np.ctypeslib.as_array(pointer, shape=(self.size,))

    def clear(self):
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), False)


class InTurn:
    """One model or several, one after the other."""

    def __init__(self, models):
        self.models = models

    def decode(self, tokens):
        for model in self.models:
            model.decode(tokens)

    def close(self):
        pass


class AtOnce:
    """Two models at the same time, the second in a thread of its own. Locks hand over faster than a queue does."""

    def __init__(self, models):
        self.models = models
        self.work, self.done = threading.Lock(), threading.Lock()
        self.work.acquire()
        self.done.acquire()
        self.tokens = None
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            self.work.acquire()
            if self.tokens is None:
                return
            self.models[1].decode(self.tokens)
            self.done.release()

    def decode(self, tokens):
        self.tokens = tokens
        self.work.release()
        self.models[0].decode(tokens)
        self.done.acquire()

    def close(self):
        self.tokens = None
        self.work.release()
        self.thread.join()


def next_token(models, weight):
    """The likeliest token of the blended logits."""
    logits = models[0].logits()
    if len(models) == 2:
        logits = (1 - weight) * logits + weight * models[1].logits()
    return int(logits.argmax())


def measure(arguments):
    llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()
    before = memory.status()
    start = time.perf_counter()
    threads = arguments.threads // 2 if arguments.arrangement == "halves" else arguments.threads
    flash = {"auto": -1, "off": 0, "on": 1}[arguments.flash]
    models = [Model(path, threads, arguments.repack, flash, arguments.context) for path in arguments.models]
    program = AtOnce(models) if arguments.arrangement == "halves" else InTurn(models)
    prompt = models[0].tokens(arguments.prompt)
    program.decode(prompt)
    token = next_token(models, arguments.weight)
    first = time.perf_counter()
    for _ in range(arguments.tokens):
        program.decode([token])
        token = next_token(models, arguments.weight)
    last = time.perf_counter()
    result = dict(prompt_tokens=len(prompt), first_token=first - start)
    if arguments.tokens:
        result["decode"] = arguments.tokens / (last - first)
    if arguments.long_prompt:
        result["prefill"] = prefill_rate(program, models, arguments.long_prompt)
    after = memory.status()
    # What Python and its packages held before llama.cpp loaded anything is not llama.cpp's.
    result["peak_rss"] = after["VmHWM"] - before["VmRSS"]
    result["rss_anon"] = after["RssAnon"] - before["RssAnon"]
    program.close()
    return result


def prefill_rate(program, models, text):
    ids = models[0].tokens(text)
    for model in models:
        model.clear()
    start = time.perf_counter()
    program.decode(ids)
    for model in models:
        model.logits()
    return len(ids) / (time.perf_counter() - start)


@llama_cpp.llama_log_callback
def silent(level, text, data):
    pass


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--arrangement", choices=["one", "turn", "halves"], default="one")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repack", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--flash", choices=["auto", "off", "on"], default="auto", help="flash attention")
    parser.add_argument("--context", type=int, default=1024)
    parser.add_argument("--prompt", required=True)
    parser.add_argument("--tokens", type=int, default=64, help="tokens to decode")
    parser.add_argument("--long-prompt", help="prompt of the prefill test")
    parser.add_argument("--weight", type=float, default=0.5, help="lambda")
    print(json.dumps(measure(parser.parse_args())))


if __name__ == "__main__":
    main()

"""Runs one model or a pair with transformers, the second model inside a logits processor, and prints figures as JSON."""

import argparse
import json
import time
from pathlib import Path

import memory

BEFORE = memory.status()

import torch
from transformers import AutoModelForCausalLM, DynamicCache, LogitsProcessor, LogitsProcessorList


class Realign(LogitsProcessor):
    """Blends the logits of a second model, which keeps a cache of its own, into those of the model that generates."""

    def __init__(self, aligned, weight):
        self.aligned, self.weight = aligned, weight
        self.cache = DynamicCache()

    def __call__(self, ids, scores):
        new = ids[:, self.cache.get_seq_length():]
        output = self.aligned(new, past_key_values=self.cache, use_cache=True, logits_to_keep=1)
        return (1 - self.weight) * scores + self.weight * output.logits[:, -1]


class Clock(LogitsProcessor):
    """Notes when the logits of each token are ready."""

    def __init__(self):
        self.times = []

    def __call__(self, ids, scores):
        self.times.append(time.perf_counter())
        return scores


def generate(models, prompt, count, weight):
    """Seconds at which each of `count` greedy tokens was known, counted from the call."""
    clock = Clock()
    realign = [Realign(models[1], weight)] if len(models) == 2 else []
    start = time.perf_counter()
    models[0].generate(
        prompt, attention_mask=torch.ones_like(prompt), do_sample=False, min_new_tokens=count, max_new_tokens=count,
        pad_token_id=0, logits_processor=LogitsProcessorList(realign + [clock]))
    return [moment - start for moment in clock.times]


def measure(arguments):
    torch.set_num_threads(arguments.threads)
    start = time.perf_counter()
    models = [
        AutoModelForCausalLM.from_pretrained(arguments.model, dtype=getattr(torch, arguments.dtype)).eval()
        for _ in range(1 if arguments.arrangement == "one" else 2)]
    loaded = time.perf_counter() - start
    vocabulary = models[0].config.vocab_size
    generator = torch.Generator().manual_seed(1)

    def prompt(length):
        return torch.randint(vocabulary, (1, length), generator=generator)

    with torch.inference_mode():
        times = generate(models, prompt(arguments.prompt), arguments.tokens + 1, arguments.weight)
        result = dict(
            prompt_tokens=arguments.prompt, first_token=loaded + times[0],
            decode=arguments.tokens / (times[-1] - times[0]))
        if arguments.prefill:
            result["prefill"] = arguments.prefill / generate(
                models, prompt(arguments.prefill), 1, arguments.weight)[0]
    after = memory.status()
    result["peak_rss"] = after["VmHWM"] - BEFORE["VmRSS"]
    result["rss_anon"] = after["RssAnon"] - BEFORE["RssAnon"]
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, help="directory with config.json and safetensors")
    parser.add_argument("--arrangement", choices=["one", "turn"], default="one")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
    parser.add_argument("--prompt", type=int, default=128)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--prefill", type=int, default=512)
    parser.add_argument("--weight", type=float, default=0.5, help="lambda")
    print(json.dumps(measure(parser.parse_args())))


if __name__ == "__main__":
    main()

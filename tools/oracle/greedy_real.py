"""Greedy continuations of five prompts by transformers (float32) on the dequantised weights of a GGUF model.

    greedy_real.py MODEL.gguf OUTPUT.json

transformers reads and dequantises the file itself.  The output holds, for every prompt, its token ids, the 64 ids that
follow, their text, and the smallest lead of a chosen token over the next best (a tie-break that rounding may swap).
"""

import argparse
import hashlib
import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

STEPS = 64
PROMPTS = [
    "The capital of France is",
    "Once upon a time, in a small village by the sea,",
    "def fibonacci(n):\n    \"\"\"Return the n-th Fibonacci number.\"\"\"\n",
    "Water boils at 100 degrees Celsius because",
]
CHAT = [{"role": "user", "content": "Explain in two sentences why the sky is blue."}]


@torch.no_grad()
def continue_greedily(model, ids):
    """The next `STEPS` ids, end-of-text or not, and the smallest lead."""
    output, lead, cache = [], float("inf"), None
    inputs = torch.tensor([ids])
    for _ in range(STEPS):
        result = model(inputs, past_key_values=cache, use_cache=True)
        cache = result.past_key_values
        best = result.logits[0, -1].topk(2)
        lead = min(lead, (best.values[0] - best.values[1]).item())
        output.append(best.indices[0].item())
        inputs = best.indices[:1].unsqueeze(0)
    return output, lead


def main(path, output):
    source = dict(gguf_file=path.name)
    tokenizer = AutoTokenizer.from_pretrained(path.parent, **source)
    model = AutoModelForCausalLM.from_pretrained(path.parent, dtype=torch.float32, attn_implementation="eager", **source)
    model.eval()
    prompts = [tokenizer(text).input_ids for text in PROMPTS]
    if tokenizer.chat_template:
        text = tokenizer.apply_chat_template(CHAT, add_generation_prompt=True, tokenize=False)
        prompts.append(tokenizer(text, add_special_tokens=False).input_ids)
    entries = []
    for ids in prompts:
        following, lead = continue_greedily(model, ids)
        text = tokenizer.decode(following)
        print(repr(text[:70]), f"lead {lead:.4f}", flush=True)
        entries.append(dict(tokens=ids, greedy=following, text=text, lead=lead))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    output.write_text(json.dumps(dict(model=path.name, sha256=digest, prompts=entries), indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args()
    main(options.model, options.output)

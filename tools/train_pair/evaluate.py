"""The slider: what DeRa of the reference and an aligned model writes at each λ."""

import re

import numpy as np
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from corpus import read_words
from rewards import happy, word_count
from sampling import sample

LAMBDAS = (-0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
PROMPT = "Once upon a time"


def strangers(texts: list[str]) -> float:
    """Share of the names in the texts that nobody introduced ("named X", or the first name): a measure of coherence."""
    words = read_words()
    names = set(words["girl names"] + words["boy names"])
    wrong = total = 0
    for text in texts:
        known, before = set(), ""
        for word in re.findall(r"\w+", text):
            if word in names:
                if before == "named" or not known:
                    known.add(word)
                else:
                    total, wrong = total + 1, wrong + (word not in known)
            before = word
    return wrong / max(1, total)


def slider_row(
    reference: LlamaForCausalLM, aligned: LlamaForCausalLM, tokenizer: Tokenizer, weight: float, count: int, seed: int
) -> dict:
    """Means over `count` stories that begin with `PROMPT`, sampled at temperature 1 from the blended logits."""
    samples = sample([reference, aligned], [1 - weight, weight], tokenizer.encode(PROMPT).ids, count, seed)
    texts = tokenizer.decode_batch(samples.rows)
    return {
        "lambda": weight,
        "stories": len(texts),
        "unfinished": samples.unfinished,
        "words": float(np.mean([word_count(text) for text in texts])),
        "happy": float(np.mean([happy(text) for text in texts])),
        "strangers": strangers(texts),
        "tokens": float(np.mean([len(row) - 2 for row in samples.rows])),
        # Rows come in the order in which they ended: evenly spaced ones show short and long stories alike.
        "examples": [texts[len(texts) * part // 6] for part in (1, 3, 5)],
    }

"""The slider: what DeRa of the reference and an aligned model writes at each λ."""

import numpy as np
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from rewards import happy, word_count
from sampling import sample

LAMBDAS = (-0.5, 0.0, 0.5, 1.0, 1.5, 2.0)
PROMPT = "Once upon a time"


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
        "tokens": float(np.mean([len(row) - 2 for row in samples.rows])),
        # Rows come in the order in which they ended: evenly spaced ones show short and long stories alike.
        "examples": [texts[len(texts) * part // 6] for part in (1, 3, 5)],
    }

"""Writes scaling.json: rotary frequencies as transformers computes them, for RotaryScalingTests.swift."""

import json
from pathlib import Path

from transformers import LlamaConfig
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

LLAMA3 = dict(rope_type="llama3", low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=8192)
YARN = dict(rope_type="yarn", original_max_position_embeddings=4096)
CASES = [
    (dict(rope_type="default"), 10000.0, 64),
    (dict(rope_type="default"), 1000000.0, 256),
    (dict(rope_type="linear", factor=8.0), 1000000.0, 128),
    (dict(rope_type="linear", factor=2.5), 10000.0, 12),
    (LLAMA3 | dict(factor=8.0), 500000.0, 128),
    (LLAMA3 | dict(factor=32.0), 500000.0, 64),
    (YARN | dict(factor=4.0), 1000000.0, 128),
    (YARN | dict(factor=16.0, beta_fast=64.0, beta_slow=2.0), 10000.0, 64),
    (YARN | dict(factor=4.0, truncate=False), 10000.0, 80),
    (YARN | dict(factor=40.0, mscale=1.0, mscale_all_dim=0.8), 10000.0, 64),
    (YARN | dict(factor=4.0, attention_factor=1.25), 500000.0, 128),
]


def entry(parameters, theta, head_dim):
    config = LlamaConfig(
        hidden_size=4 * head_dim, num_attention_heads=4, head_dim=head_dim, max_position_embeddings=131072,
        rope_parameters=parameters | dict(rope_theta=theta),
    )
    if parameters["rope_type"] == "default":
        frequencies, magnitude = LlamaRotaryEmbedding.compute_default_rope_parameters(config)
    else:
        frequencies, magnitude = ROPE_INIT_FUNCTIONS[parameters["rope_type"]](config)
    return dict(
        parameters=parameters, theta=theta, head_dim=head_dim, magnitude=magnitude, frequencies=frequencies.tolist())


if __name__ == "__main__":
    cases = [json.dumps(entry(*case)) for case in CASES]
    Path(__file__).with_name("scaling.json").write_text("[\n" + ",\n".join(cases) + "\n]\n")

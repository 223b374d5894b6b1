"""Batched sampling with a key-value cache, from one model or from a DeRa blend of several.

The decoder here is a plain re-statement of LlamaForCausalLM for one new token per row; rows that have ended
leave the batch from time to time. `test_sampling.py` holds it to transformers.
"""

from dataclasses import dataclass

import torch
from transformers import LlamaForCausalLM

from tokenizer import END_OF_TEXT_ID

# Ended rows are decoded on until the live ones fall below this share: dropping them copies the whole cache.
KEEP_SHARE = 0.8


class Decoder:
    """One model and its cache: keys and values `[rows, kvHeads, limit, headDim]`, all rows at the same position."""

    def __init__(self, model: LlamaForCausalLM, rows: int, limit: int) -> None:
        self.model, c = model.model, model.config
        self.output = model.lm_head.weight
        self.kv_heads, self.group = c.num_key_value_heads, c.num_attention_heads // c.num_key_value_heads
        self.head_dim, self.position = c.head_dim, 0
        shape = (rows, c.num_key_value_heads, limit, c.head_dim)
        self.keys = [torch.empty(shape) for _ in self.model.layers]
        self.values = [torch.empty(shape) for _ in self.model.layers]
        probe = torch.empty(1, limit, c.hidden_size)
        cosines, sines = self.model.rotary_emb(probe, torch.arange(limit)[None])
        self.cosines, self.sines = cosines[0], sines[0]

    def keep(self, rows: torch.Tensor) -> None:
        """Drops every row of the cache but `rows`."""
        self.keys = [cache[rows] for cache in self.keys]
        self.values = [cache[rows] for cache in self.values]

    def step(self, ids: torch.Tensor) -> torch.Tensor:
        """Logits `[rows, vocabulary]` after one more token per row."""
        x = self.model.embed_tokens(ids)
        for index, layer in enumerate(self.model.layers):
            x = x + self.attention(index, layer.self_attn, layer.input_layernorm(x))
            x = x + layer.mlp(layer.post_attention_layernorm(x))
        self.position += 1
        return self.model.norm(x) @ self.output.T

    def attention(self, index: int, weights: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
        rows, end = len(x), self.position + 1
        query = self.rotate(weights.q_proj(x).view(rows, -1, self.head_dim))
        self.keys[index][:, :, self.position] = self.rotate(weights.k_proj(x).view(rows, -1, self.head_dim))
        self.values[index][:, :, self.position] = weights.v_proj(x).view(rows, -1, self.head_dim)
        query = query.view(rows * self.kv_heads, self.group, self.head_dim)
        keys = self.keys[index].flatten(0, 1)[:, :end]
        values = self.values[index].flatten(0, 1)[:, :end]
        scores = torch.bmm(query, keys.transpose(1, 2)) * self.head_dim**-0.5
        return weights.o_proj(torch.bmm(scores.softmax(-1), values).view(rows, -1))

    def rotate(self, x: torch.Tensor) -> torch.Tensor:
        """Rotary embedding of `[rows, heads, headDim]` at the current position."""
        first, second = x.chunk(2, -1)
        turned = torch.cat((-second, first), -1)
        return x * self.cosines[self.position] + turned * self.sines[self.position]


@dataclass
class Samples:
    """Sampled rows: end-of-text, story, end-of-text. `log_probabilities` are of the sampled tokens, in nats."""

    rows: list[list[int]]
    log_probabilities: list[float]
    unfinished: int


def blend_step(decoders: list[Decoder], weights: list[float], ids: torch.Tensor) -> torch.Tensor:
    """Log-probabilities of the blend Σ weight·logits, `[rows, vocabulary]`."""
    logits = weights[0] * decoders[0].step(ids)
    for decoder, weight in zip(decoders[1:], weights[1:], strict=True):
        logits += weight * decoder.step(ids)
    return logits.log_softmax(-1)


@torch.inference_mode()
def sample_batch(
    models: list[LlamaForCausalLM], weights: list[float], prompt: list[int], count: int, limit: int,
    rng: torch.Generator,
) -> Samples:
    """`count` stories at temperature 1; a story longer than `limit` tokens is dropped and counted."""
    decoders = [Decoder(model, count, limit) for model in models]
    for token in prompt:
        scores = blend_step(decoders, weights, torch.full((count,), token))
    tokens = torch.full((count, limit), END_OF_TEXT_ID)
    tokens[:, : len(prompt)] = torch.tensor(prompt)
    totals = torch.zeros(count, dtype=torch.float64)
    held, live = torch.arange(count), torch.ones(count, dtype=torch.bool)
    result = Samples([], [], 0)
    for position in range(len(prompt), limit):
        cumulative = scores.exp().cumsum(-1)
        draws = torch.rand(len(held), 1, generator=rng) * cumulative[:, -1:]
        ids = torch.searchsorted(cumulative, draws).clamp(max=scores.shape[1] - 1)
        tokens[held[live], position] = ids[live, 0]
        totals[held[live]] += scores.gather(1, ids)[live, 0].double()
        ended = live & (ids[:, 0] == END_OF_TEXT_ID)
        for row in held[ended].tolist():
            result.rows.append(tokens[row, : position + 1].tolist())
            result.log_probabilities.append(totals[row].item())
        live &= ~ended
        if not live.any() or position + 1 == limit:
            break
        if live.sum() < KEEP_SHARE * len(held):
            kept = live.nonzero()[:, 0]
            held, live, ids = held[kept], live[kept], ids[kept]
            for decoder in decoders:
                decoder.keep(kept)
        scores = blend_step(decoders, weights, ids[:, 0])
    result.unfinished = int(live.sum())
    return result


def sample(
    models: list[LlamaForCausalLM], weights: list[float], prompt: list[int], count: int, seed: int,
    limit: int = 256, batch: int = 256, label: str = "",
) -> Samples:
    """`count` stories from Σ weight·logits, in batches, with progress when `label` is given."""
    rng = torch.Generator().manual_seed(seed)
    result = Samples([], [], 0)
    for start in range(0, count, batch):
        part = sample_batch(models, weights, prompt, min(batch, count - start), limit, rng)
        result.rows += part.rows
        result.log_probabilities += part.log_probabilities
        result.unfinished += part.unfinished
        if label:
            print(f"  {label}: {start + len(part.rows) + part.unfinished}/{count} stories", flush=True)
    return result

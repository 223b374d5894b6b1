"""The Llama model, its checkpoints, and the one training loop that every model here is made with."""

import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tokenizer import END_OF_TEXT_ID

IGNORED = -100


def new_model(shape: dict, vocabulary_size: int, context: int, seed: int) -> LlamaForCausalLM:
    """A Llama with random weights; `shape` holds hidden, layers, heads, kv_heads and intermediate."""
    torch.manual_seed(seed)
    configuration = LlamaConfig(
        vocab_size=vocabulary_size,
        hidden_size=shape["hidden"],
        num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"],
        num_key_value_heads=shape["kv_heads"],
        head_dim=shape["hidden"] // shape["heads"],
        intermediate_size=shape["intermediate"],
        max_position_embeddings=context,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        initializer_range=0.04,
        bos_token_id=END_OF_TEXT_ID,
        eos_token_id=END_OF_TEXT_ID,
    )
    return LlamaForCausalLM(configuration)


def load_model(directory: Path) -> LlamaForCausalLM:
    """A checkpoint in float32, ready for inference."""
    return LlamaForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()


def token_batches(rows: list[list[int]], order: np.ndarray, tokens: int) -> Iterator[list[list[int]]]:
    """Groups `rows[order]` into batches of about `tokens` tokens with rows of similar length together."""
    window = 64 * max(1, tokens // 100)
    for start in range(0, len(order), window):
        indices = sorted(order[start : start + window], key=lambda i: len(rows[i]))
        batches, batch, used = [], [], 0
        for index in indices:
            batch.append(rows[index])
            used += len(rows[index])
            if used >= tokens:
                batches.append(batch)
                batch, used = [], 0
        if batch:
            batches.append(batch)
        # Shortest-first within a window would make the steps drift in length; an order fixed by position does not.
        yield from (batches[i] for i in np.random.default_rng(start).permutation(len(batches)))


def pad(batch: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and targets `[rows, longest − 1]`, right-padded; targets of the padding are ignored."""
    longest = max(map(len, batch))
    ids = torch.full((len(batch), longest), END_OF_TEXT_ID)
    targets = torch.full((len(batch), longest), IGNORED)
    for row, tokens in enumerate(batch):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        targets[row, : len(tokens)] = ids[row, : len(tokens)]
    return ids[:, :-1], targets[:, 1:]


def log_likelihoods(model: LlamaForCausalLM, rows: list[list[int]]) -> np.ndarray:
    """log π(story) in nats of each row, its first token (the end-of-text that begins it) given. `[rows]`, float64."""
    result = np.zeros(len(rows))
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    with torch.inference_mode():
        for start in range(0, len(order), 64):
            indices = order[start : start + 64]
            inputs, targets = pad([rows[i] for i in indices])
            logits = model(input_ids=inputs).logits
            losses = torch.nn.functional.cross_entropy(
                logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="none"
            )
            result[indices] = -losses.view(targets.shape).double().sum(1).numpy()
    return result


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Linear warm-up over the first 5 % of the steps, then a cosine down to zero."""
    warm_up = max(1, steps // 20)
    if step < warm_up:
        return peak * (step + 1) / warm_up
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


def fit(
    model: LlamaForCausalLM,
    rows: list[list[int]],
    order: np.ndarray,
    batch_tokens: int,
    peak_rate: float,
    weight_decay: float,
    label: str,
    snapshot: tuple[float, Path] | None = None,
) -> float:
    """Maximum likelihood of whole stories, one pass over `rows[order]`; returns the mean loss of the last tenth.

    The loss of a batch is its summed token loss divided by the constant `batch_tokens`, so that every story
    weighs the same whatever its length and whichever batch it is in: a mean over each batch would not do that.
    `snapshot` saves the model to a directory after that fraction of the steps.
    """
    batches = list(token_batches(rows, order, batch_tokens))
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=weight_decay)
    model.train()
    losses, started, seen = [], time.monotonic(), 0
    for step, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, len(batches), peak_rate)
        inputs, targets = pad(batch)
        logits = model(input_ids=inputs).logits
        total = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="sum"
        )
        (total / batch_tokens).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        count = int((targets != IGNORED).sum())
        losses.append(total.item() / count)
        seen += count
        if (step + 1) % 50 == 0 or step + 1 == len(batches):
            speed = seen / (time.monotonic() - started)
            left = (time.monotonic() - started) / (step + 1) * (len(batches) - step - 1)
            print(
                f"  {label}: step {step + 1}/{len(batches)}, loss {np.mean(losses[-50:]):.4f}, "
                f"{speed:,.0f} tokens/s, {left:.0f} s left",
                flush=True,
            )
        if snapshot and step + 1 == max(1, round(snapshot[0] * len(batches))):
            model.save_pretrained(snapshot[1])
    model.eval()
    return float(np.mean(losses[-max(1, len(losses) // 10) :]))

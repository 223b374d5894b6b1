"""Makes a reference model, a rank-8 LoRA and a full-parameter variant of it, all by DPO on the model's own answers.

The preference needs no data set: two answers are sampled to each question and the shorter one is preferred. What matters
is not the taste but that the pairs are real: small KL-regularised changes of a real model, off its quantisation grid.

    train.py --gguf SmolLM2-135M-Instruct.Q4_1.gguf --output models
"""

import argparse
import json
import os
import time
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from torch.nn.functional import logsigmoid
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from prompts import MEASURE, QUESTIONS

LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
ANSWER_TOKENS = 40


def off_the_grid(model) -> None:
    """Adds to every weight uniform noise as wide as one step of the 4- or 8-bit grid the GGUF file rounded it to.

    The weights of the file lie exactly on that grid, where quantisers of the same family make no error; rounding errors
    are about uniform, so this gives back the spread that rounding took away.
    """
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() != 2:
                continue
            blocks = weight.view(weight.shape[0], -1, 32)
            if "embed" in name:  # Q8_0
                step = blocks.abs().amax(-1, keepdim=True) / 127
            else:  # Q4_1
                step = (blocks.amax(-1, keepdim=True) - blocks.amin(-1, keepdim=True)) / 15
            blocks.add_((torch.rand_like(blocks) - 0.5) * step)


def reference(gguf: Path, output: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    off_the_grid(model)
    # A fresh model with the same weights: one loaded from GGUF refuses to be saved.
    config = AutoConfig.from_pretrained(gguf.parent, gguf_file=gguf.name)
    plain = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    plain.load_state_dict(model.state_dict())
    save(plain, tokenizer, output)


@torch.no_grad()
def preferences(model, tokenizer) -> list[dict]:
    """One pair of answers to each question: `tokens` [2, length], preferred first, and where the answers begin."""
    pairs = []
    for start in range(0, len(QUESTIONS), 20):
        prompts = [
            tokenizer.apply_chat_template([{"role": "user", "content": q}], add_generation_prompt=True, tokenize=False)
            for q in QUESTIONS[start : start + 20]
        ]
        batch = tokenizer(prompts, return_tensors="pt", padding=True, padding_side="left")
        sampled = model.generate(
            **batch, do_sample=True, temperature=1.0, top_k=50, num_return_sequences=3, max_new_tokens=ANSWER_TOKENS,
            pad_token_id=tokenizer.pad_token_id)
        width = batch.input_ids.shape[1]
        for index in range(len(prompts)):
            prompt = batch.input_ids[index][batch.attention_mask[index].bool()]
            answers = sorted((cut(row[width:], tokenizer.eos_token_id) for row in sampled[3 * index : 3 * index + 3]), key=len)
            if len(answers[0]) < len(answers[-1]):
                pairs.append({"prompt": prompt, "answers": [answers[0], answers[-1]]})
    return pairs


def cut(answer: torch.Tensor, end: int) -> torch.Tensor:
    ends = (answer == end).nonzero()
    return answer[: int(ends[0]) + 1] if len(ends) else answer


def log_probabilities(model, pairs: list[dict], pad: int) -> torch.Tensor:
    """Of the answers under the model, summed over their tokens: `[pairs, 2]`."""
    rows = [(pair["prompt"], answer) for pair in pairs for answer in pair["answers"]]
    length = max(len(prompt) + len(answer) for prompt, answer in rows)
    tokens = torch.full((len(rows), length), pad)
    scored = torch.zeros(len(rows), length)
    for index, (prompt, answer) in enumerate(rows):
        end = len(prompt) + len(answer)
        tokens[index, :end] = torch.cat([prompt, answer])
        scored[index, len(prompt) : end] = 1
    # Only the answers' logits are needed; the output matrix is a fifth of the model.
    keep = length - min(len(pair["prompt"]) for pair in pairs) + 1
    logits = model(input_ids=tokens, logits_to_keep=keep).logits[:, :-1]
    chosen = logits.gather(2, tokens[:, 1 - keep :, None])[..., 0] - logits.logsumexp(-1)
    return (chosen * scored[:, 1 - keep :]).sum(1).view(-1, 2)


def dpo(model, pairs: list[dict], pad: int, *, rate: float, steps: int, minutes: float, beta: float = 0.1) -> None:
    """Direct preference optimisation (arXiv 2305.18290, eq. 7) with Adam, one pair a step."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.0)
    generator = torch.Generator().manual_seed(2)
    began = time.time()
    for step in range(steps):
        if time.time() - began > minutes * 60:
            print(f"stopped after {minutes} minutes", flush=True)
            break
        for group in optimiser.param_groups:
            group["lr"] = rate * min(1, (step + 1) / 10)
        batch = [pairs[i] for i in torch.randint(len(pairs), (1,), generator=generator)]
        now = log_probabilities(model, batch, pad)
        then = torch.stack([pair["reference"] for pair in batch])
        margin = beta * ((now - then)[:, 0] - (now - then)[:, 1])
        loss = -logsigmoid(margin).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        if step % 10 == 0:
            print(f"step {step} loss {loss.item():.4f} margin {margin.mean().item():.3f} {time.time() - began:.0f} s", flush=True)


@torch.no_grad()
def measure(reference, model, tokenizer) -> dict[str, float]:
    """How far the model went: |D|/|W| over the matrices, and mean KL(reference ‖ model) in nats on a text."""
    moved = total = 0.0
    for (name, before), (_, after) in zip(reference.named_parameters(), model.named_parameters(), strict=True):
        if before.dim() == 2:
            moved += (after - before).double().square().sum().item()
            total += before.double().square().sum().item()
    tokens = tokenizer(MEASURE, return_tensors="pt").input_ids
    left = reference(tokens).logits.log_softmax(-1)
    right = model(tokens).logits.log_softmax(-1)
    return {
        "relative_change": (moved / total) ** 0.5,
        "mean_kl": (left.exp() * (left - right)).sum(-1).mean().item(),
        "tokens": tokens.shape[1],
    }


def load(path: Path):
    return AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gguf", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--name", default="smollm2")
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--minutes", type=float, default=10, help="limit for each of the two trainings")
    parser.add_argument("--lora-rate", type=float, default=3e-4)
    parser.add_argument("--full-rate", type=float, default=2e-5)
    options = parser.parse_args()
    torch.manual_seed(1)
    paths = {k: options.output / f"{options.name}{k}" for k in ("", "-lora", "-lora-merged", "-dpo")}
    if not (paths[""] / "model.safetensors").exists():
        reference(options.gguf, paths[""])
    base = load(paths[""])
    tokenizer = AutoTokenizer.from_pretrained(paths[""])
    cache = options.output / f"{options.name}-preferences.pt"
    if cache.exists():
        pairs = torch.load(cache)
    else:
        pairs = preferences(base, tokenizer)
        with torch.no_grad():
            for pair in pairs:
                pair["reference"] = log_probabilities(base, [pair], tokenizer.pad_token_id)[0]
        torch.save(pairs, cache)
    print(f"{len(pairs)} pairs", flush=True)
    train = {"steps": options.steps, "minutes": options.minutes}
    report = {}
    if not (paths["-lora"] / "adapter_model.safetensors").exists():
        config = LoraConfig(r=8, lora_alpha=16, target_modules=LINEAR, task_type="CAUSAL_LM")
        model = get_peft_model(load(paths[""]), config)
        dpo(model, pairs, tokenizer.pad_token_id, rate=options.lora_rate, **train)
        model.save_pretrained(paths["-lora"])
        merged = model.merge_and_unload()
        save(merged, tokenizer, paths["-lora-merged"])
        report["lora"] = measure(base, merged, tokenizer)
    if not (paths["-dpo"] / "model.safetensors").exists():
        model = load(paths[""])
        dpo(model, pairs, tokenizer.pad_token_id, rate=options.full_rate, **train)
        save(model, tokenizer, paths["-dpo"])
        report["dpo"] = measure(base, model, tokenizer)
    print(json.dumps(report, indent=1))
    (options.output / f"{options.name}-report.json").write_text(json.dumps(report, indent=1))


def save(model, tokenizer, path: Path) -> None:
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)


if __name__ == "__main__":
    torch.set_num_threads(min(2, os.cpu_count() or 1))
    main()

"""Writes tiny checkpoints of every architecture and their float32 logits by transformers.

    python generate.py            # rewrites every case beside this file, and SHA256SUMS

Each case is a directory with a Hugging Face checkpoint and `golden.safetensors`:

    tokens   F32 [32]         24 prompt tokens, then the 8 tokens the reference model decodes greedily
    logits   F32 [32, vocab]  the model's logits at every position of `tokens`
    greedy   F32 [32]         argmax of `logits`

`NAME-aligned` is a second model of the same shape whose logits are taken on the tokens of `NAME`.
Weights are multiples of 2^-8 (norms 2^-7) with at most 8 bits, so F32, F16 and BF16 files hold the same numbers.
"""

import hashlib
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import (
    AutoModelForCausalLM, Gemma3TextConfig, LlamaConfig, MistralConfig, Olmo2Config, Qwen2Config, Qwen3Config)

HERE = Path(__file__).parent
PROMPT, STEPS = 24, 8
BASE = dict(
    vocab_size=160, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=256, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2,
    pad_token_id=0)
LLAMA3 = dict(
    rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
    original_max_position_embeddings=32)
YARN = dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=16)
GEMMA3 = dict(
    hidden_size=32, intermediate_size=64, num_hidden_layers=6, num_attention_heads=2, num_key_value_heads=1, head_dim=32,
    sliding_window=8, query_pre_attn_scalar=24, tie_word_embeddings=True,
    rope_parameters=dict(
        full_attention=dict(rope_type="linear", factor=4.0, rope_theta=1000000.0),
        sliding_attention=dict(rope_type="default", rope_theta=10000.0)))


def case(config_class, own, dtype=torch.float16, **options):
    return dict(config=config_class(**BASE | own), dtype=dtype, **options)


CASES = dict(
    llama2=case(LlamaConfig, dict(num_key_value_heads=4)),
    llama3=case(
        LlamaConfig, dict(num_attention_heads=8, tie_word_embeddings=True, rope_parameters=LLAMA3, eos_token_id=[2, 3]),
        aligned=lambda name: "embed" not in name and "layers.0.self_attn.k" not in name),
    mistral=case(MistralConfig, dict(sliding_window=10), dtype=torch.bfloat16, older_layout=True),
    qwen2=case(Qwen2Config, dict(tie_word_embeddings=True), dtype=torch.bfloat16),
    qwen3=case(Qwen3Config, dict(head_dim=32), shard_bytes=100_000),
    olmo2=case(Olmo2Config, dict(rms_norm_eps=1e-5), older_layout=True),
    gemma3=case(Gemma3TextConfig, GEMMA3, aligned=lambda name: "layers.2." not in name),
    linear=case(
        LlamaConfig,
        dict(vocab_size=131, hidden_size=48, intermediate_size=80, num_key_value_heads=1, head_dim=12,
             rope_parameters=dict(rope_type="linear", factor=4.0, rope_theta=10000.0)),
        dtype=torch.float32, older_layout=True),
    yarn=case(Qwen2Config, dict(rope_parameters=YARN)),
)


def grid(shape, spread, generator):
    """Multiples of 2^-8 of standard deviation `spread`, at most 127 · 2^-8."""
    steps = torch.randn(shape, generator=generator) * spread * 256
    return steps.round().clamp(-127, 127) / 256


def randomise(model, generator):
    is_gemma = model.config.model_type.startswith("gemma")
    for name, tensor in model.named_parameters():
        if "norm" in name:
            tensor.data = grid(tensor.shape, 0.08, generator) * 2 + (0 if is_gemma else 1)
        else:
            tensor.data = grid(tensor.shape, 0.18, generator)


def perturb(model, chosen, generator):
    for name, tensor in model.named_parameters():
        change = grid(tensor.shape, 0.03, generator)
        if chosen(name) and "norm" not in name:
            tensor.data = (tensor.data + change).clamp(-127 / 256, 127 / 256)


def use_older_layout(path):
    """Rewrites config.json as transformers 4 wrote it."""
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    config["torch_dtype"] = config.pop("dtype")
    path.write_text(json.dumps(config, indent=2) + "\n")


def save(model, directory, dtype, shard_bytes=10**9, older_layout=False, **_):
    shutil.rmtree(directory, ignore_errors=True)
    model.to(dtype).save_pretrained(directory, max_shard_size=shard_bytes)
    for file in directory.iterdir():
        file.chmod(0o644)
    if older_layout:
        use_older_layout(directory / "config.json")


@torch.no_grad()
def write_golden(directory, tokens):
    """`tokens`: the prompt, continued greedily; or the whole sequence of another model."""
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()
    while len(tokens) < PROMPT + STEPS:
        tokens = tokens + [model(torch.tensor([tokens])).logits[0, -1].argmax().item()]
    logits = model(torch.tensor([tokens])).logits[0].contiguous()
    save_file(
        dict(tokens=torch.tensor(tokens).float(), logits=logits, greedy=logits.argmax(-1).float()),
        directory / "golden.safetensors")
    best = logits.topk(2).values
    lead = (best[:, 0] - best[:, 1]).min().item()
    print(f"{directory.name}: deviation of the logits {logits.std():.2f}, smallest lead of a best token {lead:.4f}")
    return tokens, lead


def generate(name, options, seed):
    """Returns the smallest lead of a best token over the next, at any position."""
    generator = torch.Generator().manual_seed(seed)
    model = AutoModelForCausalLM.from_config(options["config"], dtype=torch.float32)
    randomise(model, generator)
    prompt = torch.randint(4, options["config"].vocab_size, (PROMPT,), generator=generator).tolist()
    save(model, HERE / name, **options)
    tokens, lead = write_golden(HERE / name, prompt)
    if "aligned" in options:
        model.float()
        perturb(model, options["aligned"], generator)
        save(model, HERE / f"{name}-aligned", **options)
        lead = min(lead, write_golden(HERE / f"{name}-aligned", tokens)[1])
    return lead


def write_sums():
    files = sorted(f for f in HERE.rglob("*") if f.suffix in (".json", ".safetensors"))
    sums = [f"{hashlib.sha256(f.read_bytes()).hexdigest()}  {f.relative_to(HERE)}\n" for f in files]
    (HERE / "SHA256SUMS").write_text("".join(sums))


if __name__ == "__main__":
    torch.set_num_threads(1)
    for name, options in CASES.items():
        # The first seed with which rounding to f16 cannot swap the two best tokens.
        next(seed for seed in range(1, 100) if generate(name, options, seed) > 0.015)
    write_sums()

"""Writes what generate_adapters.py does not: adapters and weights in other forms, each with the weights that its own library
makes of them.

    pip install torch transformers peft mlx-lm 'mlx[cpu]' ml_dtypes
    python generate_variants.py        # after generate_adapters.py, whose base/ it reads; rewrites SHA256SUMS

`regex/` (regular expressions in rank_pattern) and `resized/` (two new tokens) are PEFT's, `mlx/`, `mlx-dora/` and `mlx-full/`
are mlx-lm's; `merged.safetensors` has the tensors they change. `float8-*/` are 8-bit floats with scales for the matrix, a row or a
block; `expected.safetensors` is what numpy and ml_dtypes make of them, for whole blocks checked against transformers.
`float8.json` has the values of all codes of the three 8-bit formats, null for NaN and strings for infinities.
"""

import hashlib
import json
import math
import shutil
from pathlib import Path

import ml_dtypes
import mlx.core as mx
import mlx.nn as nn
import numpy as np
import torch
from mlx_lm.tuner.dora import DoRALinear
from mlx_lm.tuner.lora import LoRALinear
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

HERE = Path(__file__).parent
BASE = HERE / "base"


def fresh(name):
    directory = HERE / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    return directory


def load():
    return AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32)


def randomise(model, parts, seed):
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in model.named_parameters():
        if any(part in name for part in parts):
            tensor.data = torch.randn(tensor.shape, generator=generator) * 0.3


def write_peft(name, seed, new_tokens=0, **options):
    directory = fresh(name)
    model = load()
    if new_tokens:
        torch.manual_seed(seed)
        model.resize_token_embeddings(model.config.vocab_size + new_tokens, mean_resizing=False)
    model = get_peft_model(model, LoraConfig(**options))
    randomise(model, ["lora_"], seed)
    model.save_pretrained(directory, save_embedding_layers=bool(new_tokens))
    (directory / "README.md").unlink(missing_ok=True)
    path = directory / "adapter_config.json"
    config = json.loads(path.read_text()) | dict(base_model_name_or_path="base")
    if isinstance(config["target_modules"], list):
        config["target_modules"].sort()
    path.write_text(json.dumps(config, indent=2) + "\n")
    base = load()
    before = {key: tensor.clone() for key, tensor in base.state_dict().items()}
    if new_tokens:
        base.resize_token_embeddings(base.config.vocab_size + new_tokens, mean_resizing=False)
    merged = PeftModel.from_pretrained(base, directory).merge_and_unload().state_dict()
    save_file({key: tensor for key, tensor in merged.items() if not torch.equal(tensor, before[key])},
              directory / "merged.safetensors")


def write_mlx(name, seed, kind):
    directory = fresh(name)
    generator = np.random.default_rng(seed)
    weights = load_file(BASE / "model.safetensors")
    adapter, merged = {}, {}
    for module in ("model.layers.0.self_attn.q_proj", "model.layers.1.mlp.down_proj"):
        weight = weights[module + ".weight"].float().numpy()
        if kind == "full":
            merged[module + ".weight"] = adapter[module + ".weight"] = weight + np.float32(0.25)
            continue
        linear = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        linear.weight = mx.array(weight)
        layer = (DoRALinear if kind == "dora" else LoRALinear).from_base(linear, r=3, scale=2.5)
        layer.lora_a = mx.array(generator.standard_normal(layer.lora_a.shape).astype(np.float32) * 0.3)
        layer.lora_b = mx.array(generator.standard_normal(layer.lora_b.shape).astype(np.float32) * 0.3)
        if kind == "dora":
            layer.m = layer.m * mx.array(1 + generator.random(weight.shape[0]).astype(np.float32))
            adapter[module + ".m"] = np.array(layer.m)
        adapter |= {module + ".lora_a": np.array(layer.lora_a), module + ".lora_b": np.array(layer.lora_b)}
        merged[module + ".weight"] = np.array(layer.fuse().weight)
    tensors = lambda arrays: {key: torch.tensor(array) for key, array in arrays.items()}
    save_file(tensors(adapter), directory / "adapters.safetensors")
    save_file(tensors(merged), directory / "merged.safetensors")
    config = dict(fine_tune_type=kind, model="base", num_layers=2, lora_parameters=dict(rank=3, dropout=0.0, scale=2.5))
    (directory / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")


def write_float8(name, block, suffix, quantization):
    """block: rows and columns that share a scale, 0 for all."""
    directory = fresh(name)
    config = json.loads((BASE / "config.json").read_text())
    if quantization:
        config["quantization_config"] = quantization
    (directory / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    stored, expected = {}, {}
    for key, tensor in load_file(BASE / "model.safetensors").items():
        weight = tensor.float().numpy()
        if "proj" not in key:
            stored[key] = tensor.double() if "norm" in key else tensor
            continue
        rows, columns = (block[0] or weight.shape[0], block[1] or weight.shape[1])
        scales = np.zeros((math.ceil(weight.shape[0] / rows), math.ceil(weight.shape[1] / columns)), np.float32)
        codes = np.zeros(weight.shape, ml_dtypes.float8_e4m3fn)
        values = np.zeros(weight.shape, np.float32)
        for row in range(scales.shape[0]):
            for column in range(scales.shape[1]):
                part = np.s_[row * rows:(row + 1) * rows, column * columns:(column + 1) * columns]
                scales[row, column] = np.float32(np.abs(weight[part]).max() / 448)
                codes[part] = (weight[part] / scales[row, column]).astype(ml_dtypes.float8_e4m3fn)
                values[part] = codes[part].astype(np.float32) * scales[row, column]
        stored[key] = torch.tensor(codes.view(np.uint8)).view(torch.float8_e4m3fn)
        stored[key + suffix] = torch.tensor(scales if scales.size > 1 else scales.reshape(()))
        stored[key.replace("weight", "input_scale")] = torch.tensor(1.0)
        expected[key] = torch.tensor(values)
    save_file(stored, directory / "model.safetensors", metadata={"format": "pt"})
    save_file(expected, directory / "expected.safetensors")
    if name == "float8-block":
        check_by_transformers(directory, expected)


def check_by_transformers(directory, expected):
    from transformers import FineGrainedFP8Config

    model = AutoModelForCausalLM.from_pretrained(
        directory, dtype=torch.float32,
        quantization_config=FineGrainedFP8Config(dequantize=True, weight_block_size=(2, 4)))
    found = model.state_dict()
    for key, tensor in expected.items():
        assert torch.allclose(found[key].float(), tensor, rtol=1e-2), key
    print("transformers agrees on", directory.name)


def write_codes():
    def value(number):
        return None if math.isnan(number) else number if math.isfinite(number) else str(number)

    codes = np.arange(256, dtype=np.uint8)
    formats = dict(e4m3=ml_dtypes.float8_e4m3fn, e5m2=ml_dtypes.float8_e5m2, e8m0=ml_dtypes.float8_e8m0fnu)
    tables = {name: [value(float(x)) for x in codes.view(kind).astype(np.float64)] for name, kind in formats.items()}
    (HERE / "float8.json").write_text(json.dumps(tables) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    write_peft("regex", 11, r=4, lora_alpha=6, target_modules=r".*\.(self_attn\.[qkv]_proj|mlp\.(?:up|down)_proj)",
               rank_pattern={r"(q|v)_proj": 3, r"layers\.[01]\.mlp\.(?:up|gate)_proj": 2})
    write_peft("resized", 12, new_tokens=2, r=2, lora_alpha=4, target_modules=["q_proj"])
    for seed, kind in enumerate(("lora", "dora", "full")):
        write_mlx("mlx" if kind == "lora" else f"mlx-{kind}", 20 + seed, kind)
    for name, block in (("float8-block", (2, 4)), ("float8-ragged", (8, 8))):
        write_float8(name, block, "_scale_inv",
                     dict(quant_method="fp8", fmt="e4m3", weight_block_size=block, activation_scheme="dynamic"))
    write_float8("float8-row", (1, 0), "_scale", dict(quant_method="compressed-tensors", format="float-quantized"))
    write_float8("float8-tensor", (0, 0), "_scale", dict(quant_method="fp8", activation_scheme="static"))
    write_codes()
    files = sorted(f for f in HERE.rglob("*") if f.suffix in (".json", ".safetensors"))
    sums = [f"{hashlib.sha256(f.read_bytes()).hexdigest()}  {f.relative_to(HERE)}\n" for f in files]
    (HERE / "SHA256SUMS").write_text("".join(sums))

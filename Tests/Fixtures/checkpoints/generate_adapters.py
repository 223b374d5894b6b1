"""Writes a tiny Llama checkpoint, PEFT adapters for it, and the weights that PEFT's merge_and_unload makes of them.

Run after generate_configs.py: this writes SHA256SUMS. `base/` is the checkpoint; every other directory holds an adapter and `merged.safetensors` with the tensors it changed.
"""

import hashlib
import json
import shutil
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, LlamaConfig

HERE = Path(__file__).parent
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
ADAPTERS = dict(
    plain=dict(r=4, lora_alpha=6, target_modules=["q_proj", "v_proj", "down_proj"]),
    patterns=dict(
        r=4, lora_alpha=8, target_modules=ATTENTION, use_rslora=True,
        rank_pattern={r"layers\.1\.self_attn\.q_proj": 2, "k_proj": 3}, alpha_pattern={r"^model.layers.\d+.self_attn.o_proj": 20}),
    dora=dict(r=3, lora_alpha=6, target_modules=["q_proj", "gate_proj", "down_proj"], use_dora=True),
    embedding=dict(r=2, lora_alpha=4, target_modules=["embed_tokens", "up_proj", "lm_head"], modules_to_save=["norm"]),
    saved=dict(r=2, lora_alpha=4, target_modules=["q_proj"], modules_to_save=["lm_head", "embed_tokens"]),
    transposed=dict(r=2, lora_alpha=4, target_modules=["q_proj"], fan_in_fan_out=True),
)


def randomise(model, names, generator):
    for name, tensor in model.named_parameters():
        if any(part in name for part in names):
            tensor.data = torch.randn(tensor.shape, generator=generator) * 0.3 + (1 if "magnitude" in name else 0)


def write_base():
    config = LlamaConfig(
        vocab_size=20, hidden_size=12, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, max_position_embeddings=32, bos_token_id=1, eos_token_id=2)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    randomise(model, [""], torch.Generator().manual_seed(1))
    model.save_pretrained(HERE / "base")
    (HERE / "base" / "model.safetensors").chmod(0o644)


def write_adapter(name, options, seed):
    directory = HERE / name
    shutil.rmtree(directory, ignore_errors=True)
    base = AutoModelForCausalLM.from_pretrained(HERE / "base", dtype=torch.float32)
    model = get_peft_model(base, LoraConfig(**options))
    randomise(model, ["lora_", "modules_to_save"], torch.Generator().manual_seed(seed))
    model.save_pretrained(directory)
    (directory / "README.md").unlink()
    path = directory / "adapter_config.json"
    config = json.loads(path.read_text()) | dict(base_model_name_or_path="base")
    config["target_modules"].sort()
    path.write_text(json.dumps(config, indent=2) + "\n")
    base = AutoModelForCausalLM.from_pretrained(HERE / "base", dtype=torch.float32)
    before = {key: tensor.clone() for key, tensor in base.state_dict().items()}
    merged = PeftModel.from_pretrained(base, directory).merge_and_unload().state_dict()
    changed = {key: tensor for key, tensor in merged.items() if not torch.equal(tensor, before[key])}
    print(name, sorted(changed))
    save_file(changed, directory / "merged.safetensors")
    for file in directory.iterdir():
        file.chmod(0o644)


if __name__ == "__main__":
    torch.set_num_threads(1)
    write_base()
    for seed, (name, options) in enumerate(ADAPTERS.items()):
        write_adapter(name, options, seed)
    files = sorted(f for f in HERE.rglob("*") if f.suffix in (".json", ".safetensors"))
    sums = [f"{hashlib.sha256(f.read_bytes()).hexdigest()}  {f.relative_to(HERE)}\n" for f in files]
    (HERE / "SHA256SUMS").write_text("".join(sums))

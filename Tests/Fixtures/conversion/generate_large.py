"""Writes a large random pair, for measuring the converter's peak memory and speed (no test needs it).

    python generate_large.py FOLDER
    dera-quantize --reference FOLDER/reference --aligned FOLDER/aligned --bits 8 --output FOLDER/pair.dera

Two bf16 models of the shape of TinyLlama (1.1 billion weights, 2.2 GB each); the aligned one differs in every second
layer. The peak that dera-quantize prints must stay below the largest tensor plus 300 MB.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

HIDDEN, LAYERS, FEED_FORWARD, VOCABULARY, KEY_VALUES = 2048, 22, 5632, 32000, 256
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": HIDDEN,
    "num_hidden_layers": LAYERS,
    "intermediate_size": FEED_FORWARD,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 2048,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
    "hidden_act": "silu",
    "eos_token_id": 2,
}
MATRICES = {
    "self_attn.q_proj": (HIDDEN, HIDDEN),
    "self_attn.k_proj": (KEY_VALUES, HIDDEN),
    "self_attn.v_proj": (KEY_VALUES, HIDDEN),
    "self_attn.o_proj": (HIDDEN, HIDDEN),
    "mlp.gate_proj": (FEED_FORWARD, HIDDEN),
    "mlp.up_proj": (FEED_FORWARD, HIDDEN),
    "mlp.down_proj": (HIDDEN, FEED_FORWARD),
}


def weights(*shape: int) -> torch.Tensor:
    return (torch.randn(*shape) * 0.02).bfloat16()


def model() -> dict[str, torch.Tensor]:
    tensors = {
        "model.embed_tokens.weight": weights(VOCABULARY, HIDDEN),
        "model.norm.weight": torch.ones(HIDDEN).bfloat16(),
        "lm_head.weight": weights(VOCABULARY, HIDDEN),
    }
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        for norm in ("input_layernorm", "post_attention_layernorm"):
            tensors[f"{prefix}{norm}.weight"] = torch.ones(HIDDEN).bfloat16()
        for name, shape in MATRICES.items():
            tensors[f"{prefix}{name}.weight"] = weights(*shape)
    return tensors


def save(folder: Path, tensors: dict[str, torch.Tensor]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def main() -> None:
    torch.manual_seed(0)
    folder = Path(sys.argv[1])
    tensors = model()
    save(folder / "reference", tensors)
    for name, tensor in tensors.items():
        if name.startswith("model.layers.") and int(name.split(".")[2]) % 2 == 1 and tensor.dim() == 2:
            tensors[name] = (tensor.float() * 1.01 + 0.001).bfloat16()
    save(folder / "aligned", tensors)


main()

"""Writes random weights in the shape of Mistral-7B, and what an aligned model changes of them.

reference/  a Hugging Face checkpoint in f16, a shard for every two layers (14.5 GB)
adapter/    a PEFT adapter of rank 8 on every matrix of the layers, f32 (84 MB), or with --full
aligned/    a checkpoint in which every weight differs by 1 % of the weights' spread (14.5 GB)

Needs numpy and safetensors. Nothing is random from run to run.
"""

import argparse
import json
import pathlib
from statistics import NormalDist

import numpy
from safetensors.numpy import save_file

SPREAD = 0.02


def matrices(shape):
    """Name and size of the matrices of a layer."""
    width, feed_forward = shape.hidden, shape.feed_forward
    kv = width // shape.heads * shape.kv_heads
    return {
        "self_attn.q_proj": (width, width),
        "self_attn.k_proj": (kv, width),
        "self_attn.v_proj": (kv, width),
        "self_attn.o_proj": (width, width),
        "mlp.gate_proj": (feed_forward, width),
        "mlp.up_proj": (feed_forward, width),
        "mlp.down_proj": (width, feed_forward),
    }


# The normal distribution's quantiles: a look-up is several times faster than drawing.
QUANTILES = numpy.array([NormalDist().inv_cdf((i + 0.5) / 65536) for i in range(65536)], numpy.float32)


def normal(name, size, stream):
    """Values that depend on the tensor's name and the stream only."""
    seed = list(name.encode()) + [stream]
    codes = numpy.random.Generator(numpy.random.SFC64(seed)).integers(0, 65536, size, numpy.uint16)
    return QUANTILES[codes]


def weights(name, size, full):
    values = normal(name, size, 0)
    if full:
        values += numpy.float32(0.01) * normal(name, size, 1)
    values *= numpy.float32(SPREAD)
    return values.astype(numpy.float16)


def tokenizer(vocabulary):
    """Every byte is a token; the others are never made."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {byte: chr(byte) for byte in printable} | {byte: chr(256 + i) for i, byte in enumerate(others)}
    pieces = [letters[byte] for byte in range(256)] + [f"unused{i}" for i in range(256, vocabulary)]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": level, "post_processor": None, "decoder": level,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
            "vocab": {piece: i for i, piece in enumerate(pieces)}, "merges": [],
        },
    }


def checkpoint(folder, shape, full):
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "architectures": ["MistralForCausalLM"], "model_type": "mistral", "hidden_act": "silu",
        "hidden_size": shape.hidden, "intermediate_size": shape.feed_forward, "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads, "num_key_value_heads": shape.kv_heads, "vocab_size": shape.vocabulary,
        "max_position_embeddings": 32768, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "sliding_window": None,
        "tie_word_embeddings": False, "torch_dtype": "float16", "bos_token_id": None, "eos_token_id": 255,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer(shape.vocabulary)))
    ones = numpy.ones(shape.hidden, numpy.float16)
    table = (shape.vocabulary, shape.hidden)
    shards = [{"model.embed_tokens.weight": table}, {"model.norm.weight": None, "lm_head.weight": table}]
    for first in range(0, shape.layers, 2):
        shard = {}
        for layer in range(first, min(first + 2, shape.layers)):
            prefix = f"model.layers.{layer}."
            shard |= {prefix + "input_layernorm.weight": None, prefix + "post_attention_layernorm.weight": None}
            shard |= {f"{prefix}{name}.weight": size for name, size in matrices(shape).items()}
        shards.append(shard)
    places = {}
    for number, shard in enumerate(shards):
        file = f"model-{number + 1:05}-of-{len(shards):05}.safetensors"
        save_file(
            {name: ones if size is None else weights(name, size, full) for name, size in shard.items()},
            folder / file, metadata={"format": "pt"})
        places |= dict.fromkeys(shard, file)
        print(f"{folder.name}: {number + 1} of {len(shards)} shards", flush=True)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": places}))


def adapter(folder, shape, rank=8):
    folder.mkdir(parents=True, exist_ok=True)
    names = [name.split(".")[1] for name in matrices(shape)]
    (folder / "adapter_config.json").write_text(json.dumps({
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": rank, "target_modules": names,
        "bias": "none", "fan_in_fan_out": False, "lora_dropout": 0.0,
    }))
    factors = {}
    for layer in range(shape.layers):
        for name, (rows, columns) in matrices(shape).items():
            prefix = f"base_model.model.model.layers.{layer}.{name}"
            factors[f"{prefix}.lora_A.weight"] = normal(prefix + "A", (rank, columns), 2) * SPREAD
            factors[f"{prefix}.lora_B.weight"] = normal(prefix + "B", (rows, rank), 2) * SPREAD
    save_file(factors, folder / "adapter_model.safetensors", metadata={"format": "pt"})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--full", action="store_true", help="a whole aligned checkpoint instead of an adapter")
    for name, size in [("layers", 32), ("hidden", 4096), ("feed-forward", 14336), ("heads", 32), ("kv-heads", 8),
                       ("vocabulary", 32000)]:
        parser.add_argument(f"--{name}", type=int, default=size)
    shape = parser.parse_args()
    checkpoint(shape.directory / "reference", shape, False)
    if shape.full:
        checkpoint(shape.directory / "aligned", shape, True)
    else:
        adapter(shape.directory / "adapter", shape)


main()

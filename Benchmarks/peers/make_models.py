#!/usr/bin/env python3
"""Makes the models that the peers are compared on: one set of weights, in every program's own format.

    make_models.py smollm2 MODELS/SmolLM2-135M-Instruct.Q4_1.gguf OUTPUT --quantize .build/release/dera-quantize
    make_models.py random OUTPUT --vocabulary MODELS/SmolLM2-135M-Instruct.Q4_1.gguf --quantize .build/release/dera-quantize

OUTPUT gets source.gguf (f16 or bf16), hf/ (config.json and safetensors for transformers), q4_0.gguf and q8_0.gguf with a
copy of each (the second model: a file of its own, as two models are), and int4.dera and int8.dera, pairs that share all
weights. The GGUF files are quantised `pure`: every matrix has the named type, as it has in the bundle. llama.cpp's usual
Q4_0 file keeps a tied embedding in Q8_0, which makes it larger and slower.
"""

import argparse
import json
import shutil
import subprocess
from pathlib import Path

import gguf
import llama_cpp
import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter
from safetensors.torch import save_file
import torch

# TinyLlama 1.1B's shape.
RANDOM = dict(
    hidden_size=2048, num_hidden_layers=22, num_attention_heads=32, num_key_value_heads=4, intermediate_size=5632,
    vocab_size=32000, max_position_embeddings=2048, rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=False)
# Our bits, the GGUF type of the same size, and its number in llama.h.
CODECS = [("int4", 4, "q4_0", 2), ("int8", 8, "q8_0", 7)]

LAYER_NAMES = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
}
OTHER_NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def hf_name(name):
    """transformers' name of a GGUF tensor."""
    if not name.startswith("blk."):
        return OTHER_NAMES[name.removesuffix(".weight")] + ".weight"
    _, layer, part, _ = name.split(".")
    return f"model.layers.{layer}.{LAYER_NAMES[part]}.weight"


def rotary_heads(name, config):
    """Heads of a tensor whose rows GGUF keeps in the order of interleaved rotations, or None."""
    heads = {"attn_q": "num_attention_heads", "attn_k": "num_key_value_heads"}
    part = name.split(".")[-2]
    return config[heads[part]] if part in heads else None


def interleave(matrix, heads):
    """transformers' row order to GGUF's: element i and i + half of a head become neighbours."""
    return matrix.reshape(heads, 2, -1, matrix.shape[-1]).swapaxes(1, 2).reshape(matrix.shape)


def separate(matrix, heads):
    """The inverse of `interleave`."""
    return matrix.reshape(heads, -1, 2, matrix.shape[-1]).swapaxes(1, 2).reshape(matrix.shape)


def write_hf(directory, config, tensors):
    """`tensors`: (GGUF name, torch tensor in GGUF's row order)."""
    directory.mkdir(parents=True, exist_ok=True)
    named = {}
    for name, tensor in tensors:
        heads = rotary_heads(name, config)
        named[hf_name(name)] = (separate(tensor, heads) if heads else tensor).contiguous()
    save_file(named, directory / "model.safetensors", metadata={"format": "pt"})
    full = dict(config, architectures=["LlamaForCausalLM"], model_type="llama", hidden_act="silu",
                bos_token_id=1, eos_token_id=2)
    (directory / "config.json").write_text(json.dumps(full, indent=2) + "\n")


def copy_field(writer, field, limit=None):
    """Copies a metadata field; arrays are cut to `limit` elements."""
    kind = field.types[0]
    value = field.contents()
    if kind == GGUFValueType.ARRAY:
        writer.add_key_value(field.name, value[:limit], kind, field.types[-1])
    else:
        writer.add_key_value(field.name, value, kind)


def make_smollm2(source, output):
    """The checkpoint's values, off their 4-bit grid no more than f16 rounds them."""
    reader = GGUFReader(source)
    writer = GGUFWriter(output / "source.gguf", "llama")
    for field in reader.fields.values():
        if not field.name.startswith("GGUF.") and field.name not in ("general.architecture", "general.file_type"):
            copy_field(writer, field)
    writer.add_file_type(1)
    tensors = []
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        values = values.astype(np.float32 if values.ndim == 1 else np.float16)
        writer.add_tensor(tensor.name, values)
        tensors.append((tensor.name, torch.from_numpy(values.copy())))
    write_gguf(writer)

    def key(name):
        return reader.fields[f"llama.{name}"].contents()

    config = dict(
        hidden_size=key("embedding_length"), num_hidden_layers=key("block_count"),
        num_attention_heads=key("attention.head_count"), num_key_value_heads=key("attention.head_count_kv"),
        intermediate_size=key("feed_forward_length"), vocab_size=key("vocab_size"),
        max_position_embeddings=key("context_length"), rms_norm_eps=key("attention.layer_norm_rms_epsilon"),
        rope_theta=key("rope.freq_base"), tie_word_embeddings=True)
    write_hf(output / "hf", config, tensors)


def random_tensors(config, seed=1):
    """(GGUF name, bf16 tensor), drawn as transformers initialises: normal, standard deviation 0.02; norms are 1."""
    hidden, ffn, vocabulary = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    kv = hidden * config["num_key_value_heads"] // config["num_attention_heads"]
    shapes = [("token_embd", (vocabulary, hidden))]
    for layer in range(config["num_hidden_layers"]):
        shapes += [(f"blk.{layer}.{part}", shape) for part, shape in [
            ("attn_norm", (hidden,)), ("attn_q", (hidden, hidden)), ("attn_k", (kv, hidden)),
            ("attn_v", (kv, hidden)), ("attn_output", (hidden, hidden)), ("ffn_norm", (hidden,)),
            ("ffn_gate", (ffn, hidden)), ("ffn_up", (ffn, hidden)), ("ffn_down", (hidden, ffn))]]
    shapes += [("output_norm", (hidden,)), ("output", (vocabulary, hidden))]
    generator = torch.Generator().manual_seed(seed)
    for name, shape in shapes:
        values = torch.ones(shape) if len(shape) == 1 else torch.randn(shape, generator=generator) * 0.02
        yield f"{name}.weight", values.to(torch.bfloat16)


def make_random(vocabulary, output, config):
    writer = GGUFWriter(output / "source.gguf", "llama")
    writer.add_name("random 1.1B")
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_rope_dimension_count(config["hidden_size"] // config["num_attention_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_file_type(32)
    add_vocabulary(writer, vocabulary, config["vocab_size"])
    tensors = []
    for name, tensor in random_tensors(config):
        if tensor.ndim == 1:
            writer.add_tensor(name, tensor.float().numpy())
        else:
            writer.add_tensor(
                name, tensor.view(torch.uint8).numpy(), raw_dtype=GGMLQuantizationType.BF16)
        tensors.append((name, tensor))
    write_gguf(writer)
    write_hf(output / "hf", config, tensors)


def add_vocabulary(writer, source, size):
    """The first `size` tokens of a byte-level vocabulary and the merges that make them (speed does not depend on it)."""
    reader = GGUFReader(source)
    kept = set(reader.fields["tokenizer.ggml.tokens"].contents()[:size])
    for field in reader.fields.values():
        if field.name == "tokenizer.ggml.merges":
            merges = [merge for merge in field.contents() if merge.replace(" ", "") in kept]
            writer.add_token_merges(merges)
        elif field.name.startswith("tokenizer.ggml."):
            copy_field(writer, field, limit=size)


def write_gguf(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def quantize(output, tool):
    source = output / "source.gguf"
    llama_cpp.llama_backend_init()
    for ours, bits, theirs, file_type in CODECS:
        parameters = llama_cpp.llama_model_quantize_default_params()
        parameters.ftype = file_type
        parameters.pure = True
        target = output / f"{theirs}.gguf"
        code = llama_cpp.llama_model_quantize(str(source).encode(), str(target).encode(), parameters)
        if code != 0:
            raise SystemExit(f"llama.cpp could not quantise {source} to {theirs}: code {code}")
        shutil.copyfile(target, output / f"{theirs}.second.gguf")
        subprocess.run(
            [tool, "--quiet", "--reference", source, "--aligned", f"second={source}", "--bits", str(bits),
             "--output", output / f"{ours}.dera"], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="model", required=True)
    smollm2 = commands.add_parser("smollm2")
    smollm2.add_argument("source", type=Path)
    random = commands.add_parser("random")
    for command in (smollm2, random):
        command.add_argument("output", type=Path)
        command.add_argument("--quantize", required=True, help="path of dera-quantize")
    random.add_argument("--vocabulary", type=Path, required=True, help="GGUF file to take the tokens from")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    if arguments.model == "smollm2":
        make_smollm2(arguments.source, arguments.output)
    else:
        make_random(arguments.vocabulary, arguments.output, RANDOM)
    quantize(arguments.output, arguments.quantize)


if __name__ == "__main__":
    main()

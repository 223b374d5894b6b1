#!/usr/bin/env python3
"""Makes the GGUF fixtures with PyPI's gguf and transformers, which nobody here wrote.

    python generate.py                 the small fixtures and SHA256SUMS
    python generate.py --models DIR    also real-models.json, from the models of tools/fetch-models

Made with gguf 0.19.0, transformers 5.23.0, numpy, torch (CPU).

reader.gguf      one metadata key of every type, gguf's table of tensor types, and tensors, for the container's reader
quants.gguf      for every supported type TYPE, blocks of random bytes and special scales, [4, 1024], and as
                 TYPE.expected what gguf.quants.dequantize makes of them (f32 bit patterns)
llama.gguf       a tiny llama with interleaved query and key rows and Llama 3 frequency factors
llama.expected.gguf  its weights as transformers loads them (by our names), and the inverse frequencies of
                 transformers' llama3 scaling
lora.gguf        a LoRA adapter for llama.gguf with the keys and names of llama.cpp's convert_lora_to_gguf.py, query and key
                 rows of `b` interleaved as there
lora.expected.gguf  the weights it changes, W + alpha / rank · B·A with W from llama.expected.gguf
real-models.json a checksum of every tensor of the real models: the sum of its f32 bit patterns, each times
                 (2 · index + 1), modulo 2^64
"""

import argparse
import hashlib
import json
import tempfile
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T

HERE = Path(__file__).parent
SEED = 20240205

# Type: byte offsets of its f16 scales in a block.
SCALES = {
    T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0],
    T.Q2_K: [80, 82], T.Q3_K: [108], T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208],
}
ROWS, COLUMNS = 4, 1024


def writer(name, architecture):
    return gguf.GGUFWriter(HERE / name, architecture)


def close(output):
    output.write_header_to_file()
    output.write_kv_data_to_file()
    output.write_tensors_to_file()
    output.close()


def reader_fixture():
    output = writer("reader.gguf", "none")
    for suffix, value in [("uint8", 200), ("int8", -7), ("uint16", 65000), ("int16", -300), ("uint32", 2**32 - 1),
                          ("int32", -(2**31)), ("uint64", 2**64 - 1), ("int64", -(2**63)), ("float32", 0.5),
                          ("float64", 0.1), ("bool", True), ("string", "héllo 😀")]:
        getattr(output, f"add_{suffix}")(f"a.{suffix}", value)
    output.add_array("a.int32s", [1, -2, 3])
    output.add_array("a.float32s", [0.5, -1.5])
    output.add_array("a.bools", [True, False])
    output.add_array("a.strings", ["", "é", "<s>"])
    sizes = sorted(gguf.GGML_QUANT_SIZES.items())
    output.add_array("types.names", [quant_type.name for quant_type, _ in sizes])
    for key, values in [("raw_values", [int(quant_type) for quant_type, _ in sizes]),
                        ("elements", [elements for _, (elements, _) in sizes]),
                        ("bytes", [size for _, (_, size) in sizes])]:
        output.add_array(f"types.{key}", values)
    output.add_tensor("ramp", np.arange(6, dtype=np.float32).reshape(2, 3))
    output.add_tensor("half", np.arange(4, dtype=np.float16))
    close(output)


def random_blocks(quant_type, generator):
    elements, size = gguf.GGML_QUANT_SIZES[quant_type]
    blocks = generator.integers(0, 256, (ROWS * COLUMNS // elements, size), dtype=np.uint8)
    # Scales of the usual size everywhere but in the last row, which keeps its random bit patterns and special values.
    usual = len(blocks) - COLUMNS // elements
    for offset in SCALES[quant_type]:
        scales = (generator.standard_normal(usual) * 0.01).astype(np.float16)
        blocks[:usual, offset:offset + 2] = scales.view(np.uint8).reshape(-1, 2)
        for index, special in enumerate([0x7C00, 0xFC00, 0x7E01][:len(blocks) - usual]):
            blocks[usual + index, offset:offset + 2] = np.frombuffer(np.uint16(special).tobytes(), np.uint8)
    return blocks.reshape(ROWS, -1)


def quants_fixture():
    generator = np.random.default_rng(SEED)
    output = writer("quants.gguf", "none")
    plain = {T.F32: np.uint32, T.F16: np.uint16, T.BF16: np.uint16}
    for quant_type in [*plain, *SCALES]:
        if quant_type in plain:
            most = np.iinfo(plain[quant_type]).max
            bits = generator.integers(0, most, (ROWS, COLUMNS), dtype=plain[quant_type], endpoint=True)
            data = bits.view(np.uint8)
        else:
            data = random_blocks(quant_type, generator)
        with np.errstate(all="ignore"):
            expected = gguf.quants.dequantize(data, quant_type).astype(np.float32)
        output.add_tensor(quant_type.name, data, raw_dtype=quant_type)
        output.add_tensor(f"{quant_type.name}.expected", expected)
    close(output)


def interleaved(weights, heads):
    """Rows i and i + d/2 of every head side by side, as the llama converter of llama.cpp stores queries and keys."""
    return weights.reshape(heads, 2, -1, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)


def llama_fixture():
    import torch
    from transformers import AutoModelForCausalLM, LlamaConfig
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    heads, kv_heads, head_dim, width, inner, vocabulary = 4, 2, 16, 32, 48, 40
    generator = np.random.default_rng(SEED + 1)
    random = lambda *shape: generator.standard_normal(shape).astype(np.float32)
    output = writer("llama.gguf", "llama")
    output.add_block_count(1)
    output.add_context_length(512)
    output.add_embedding_length(width)
    output.add_feed_forward_length(inner)
    output.add_head_count(heads)
    output.add_head_count_kv(kv_heads)
    output.add_key_length(head_dim)
    output.add_value_length(head_dim)
    output.add_rope_dimension_count(head_dim)
    output.add_rope_freq_base(500000.0)
    output.add_layer_norm_rms_eps(1e-5)
    output.add_vocab_size(vocabulary)
    output.add_tokenizer_model("gpt2")
    output.add_token_list(["t", "tt"] + [f"t{index}" for index in range(2, vocabulary)])
    output.add_token_types([1] * vocabulary)
    output.add_token_merges(["t t"])
    output.add_bos_token_id(1)
    output.add_eos_token_id(2)
    output.add_eot_token_id(5)
    output.add_chat_template("{{ messages[0].content }}")

    output.add_tensor("token_embd.weight", random(vocabulary, width))
    output.add_tensor("blk.0.attn_norm.weight", random(width))
    output.add_tensor("blk.0.ffn_norm.weight", random(width))
    output.add_tensor("output_norm.weight", random(width))
    queries, keys = random(heads * head_dim, width), random(kv_heads * head_dim, width)
    output.add_tensor("blk.0.attn_q.weight", interleaved(queries, heads).astype(np.float16))
    for name, weights in [("attn_k", interleaved(keys, kv_heads)), ("attn_v", random(kv_heads * head_dim, width)),
                          ("attn_output", random(width, heads * head_dim)),
                          ("ffn_gate", random(inner, width)), ("ffn_up", random(inner, width))]:
        output.add_tensor(f"blk.0.{name}.weight", gguf.quants.quantize(weights, T.Q8_0), raw_dtype=T.Q8_0)
    output.add_tensor("blk.0.ffn_down.weight", random(width, inner))

    scaling = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
               "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
    config = LlamaConfig(hidden_size=width, num_attention_heads=heads, head_dim=head_dim,
                         max_position_embeddings=512, rope_parameters=scaling)
    scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, torch.device("cpu"))
    plain = 1.0 / 500000.0 ** (np.arange(0, head_dim, 2, dtype=np.float64) / head_dim)
    output.add_tensor("rope_freqs.weight", (plain / scaled.numpy()).astype(np.float32))
    close(output)

    model = AutoModelForCausalLM.from_pretrained(HERE, gguf_file="llama.gguf", dtype=torch.float32)
    expected = writer("llama.expected.gguf", "none")
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 1)
    for name, weights in model.state_dict().items():
        if name != "lm_head.weight":
            expected.add_tensor(names.get_name(name, try_suffixes=(".weight",)), weights.numpy())
    expected.add_tensor("inverse_frequencies", scaled.numpy().astype(np.float32))
    close(expected)


def lora_fixture():
    rank, alpha, heads, kv_heads = 3, 6.0, 4, 2
    generator = np.random.default_rng(SEED + 2)
    output = writer("lora.gguf", "llama")
    output.add_type("adapter")
    output.add_string("adapter.type", "lora")
    output.add_float32("adapter.lora.alpha", alpha)
    expected = writer("lora.expected.gguf", "none")
    base = {tensor.name: tensor.data for tensor in gguf.GGUFReader(HERE / "llama.expected.gguf").tensors}
    for name, stored in [("attn_q", lambda b: interleaved(b, heads)), ("attn_k", lambda b: interleaved(b, kv_heads)),
                         ("attn_v", lambda b: b), ("ffn_down", lambda b: b)]:
        weights = base[f"blk.0.{name}.weight"]
        a = generator.standard_normal((rank, weights.shape[1])).astype(np.float32)
        b = generator.standard_normal((weights.shape[0], rank)).astype(np.float32)
        output.add_tensor(f"blk.0.{name}.weight.lora_a", a)
        output.add_tensor(f"blk.0.{name}.weight.lora_b", stored(b))
        merged = weights.astype(np.float64) + alpha / rank * b.astype(np.float64) @ a.astype(np.float64)
        expected.add_tensor(f"blk.0.{name}.weight", merged.astype(np.float32))
    close(output)
    close(expected)


def checksum(weights):
    bits = np.ascontiguousarray(weights, dtype=np.float32).ravel().view(np.uint32).astype(np.uint64)
    with np.errstate(over="ignore"):
        return f"{int((bits * (2 * np.arange(len(bits), dtype=np.uint64) + 1)).sum(dtype=np.uint64)):016x}"


def smollm2_checksums(directory, name):
    """By Hugging Face names, from transformers: query and key rows are in its order."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(directory, gguf_file=name, dtype=torch.float32)
    return {key: checksum(value.numpy()) for key, value in model.state_dict().items() if key != "lm_head.weight"}


def gemma_checksums(directory, name):
    """By GGUF names, from gguf: transformers subtracts 1 from the norms, which rounds."""
    tensors = gguf.GGUFReader(Path(directory) / name).tensors
    return {tensor.name: checksum(gguf.quants.dequantize(tensor.data, tensor.tensor_type)) for tensor in tensors}


def real_models_fixture(directory):
    sums = {
        "SmolLM2-135M-Instruct.Q4_1.gguf": smollm2_checksums(directory, "SmolLM2-135M-Instruct.Q4_1.gguf"),
        "gemma-3-270m-q4_k_m.gguf": gemma_checksums(directory, "gemma-3-270m-q4_k_m.gguf"),
    }
    (HERE / "real-models.json").write_text(json.dumps(sums, indent=0) + "\n")


def write_checksums():
    files = sorted(path for path in HERE.iterdir() if path.suffix in (".gguf", ".json"))
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (HERE / "SHA256SUMS").write_text("".join(lines))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", help="directory with the models of tools/fetch-models")
    models = parser.parse_args().models
    reader_fixture()
    quants_fixture()
    llama_fixture()
    lora_fixture()
    if models:
        real_models_fixture(models)
    write_checksums()


if __name__ == "__main__":
    main()

"""Reads a .dera bundle and rebuilds its models in transformers with the dequantised weights.

Written from the description of the format alone (docs/design/packed-format.md and Sources/DeRaTensorCore/PackedLayout.swift), so that it
checks the packer and the runtime independently.  Needs numpy, torch, transformers and gguf.
"""

import numpy as np
import torch
from gguf import GGUFReader
from transformers import (
    AutoModelForCausalLM, Gemma3TextConfig, LlamaConfig, MistralConfig, Olmo2Config, Qwen2Config, Qwen3Config)

TILE_ROWS, BLOCK_COLUMNS = 16, 32
LINEAR_TABLE = np.arange(-8, 8, dtype=np.int8)
ROW_SCALED = {"int2": np.array([-3, -1, 1, 3], np.int8), "ternary": np.array([-1, 0, 1, 2], np.int8),
              "int1": np.array([-1, 1], np.int8)}
CODE_BYTES = {"int8": 512, "int6": 384, "int4": 256, "int2": 128, "ternary": 128, "int1": 64}
CONFIGS = dict(llama=LlamaConfig, qwen2=Qwen2Config, qwen3=Qwen3Config, olmo2=Olmo2Config, gemma3=Gemma3TextConfig)
MODULES = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm", "post_attention_norm": "post_attention_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}
TOP = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def planes(packed, bits):
    """The codes of `bits` bits in the bytes [..., n * 64], low bits first: uint8 [..., n * 8 / bits, 64]."""
    groups = packed.reshape(*packed.shape[:-1], -1, 1, 64)
    codes = np.concatenate([groups >> shift & (1 << bits) - 1 for shift in range(0, 8, bits)], axis=-2)
    return codes.reshape(*packed.shape[:-1], -1, 64)


def unpack(data, codec, rows, columns, table=LINEAR_TABLE):
    """float32 [rows, columns] of a packed matrix; `data` is its bytes as uint8."""
    tiles, blocks = -(-rows // TILE_ROWS), -(-columns // BLOCK_COLUMNS)
    if codec == "f16":
        halves = data.view("<f2").reshape(tiles, columns, TILE_ROWS)
        return halves.astype(np.float32).transpose(0, 2, 1).reshape(tiles * TILE_ROWS, columns)[:rows]
    if codec in ROW_SCALED:
        tile = data.reshape(tiles, -1)
        scales = tile[:, :64].copy().view("<f4")[..., None]  # [tile, row, 1]
        packed = tile[:, 64:].reshape(tiles, blocks, CODE_BYTES[codec])
        codes = ROW_SCALED[codec][planes(packed, 1 if codec == "int1" else 2)]
    else:
        packed = data.reshape(tiles, blocks, 2 * TILE_ROWS + CODE_BYTES[codec])
        scales = packed[:, :, :32].copy().view("<f2").astype(np.float32).transpose(0, 2, 1)  # [tile, row, block]
        packed = packed[:, :, 32:]
        if codec == "int8":
            codes = planes(packed, 8).view(np.int8)
        elif codec == "int6":
            codes = (planes(packed[..., :256], 4) | planes(packed[..., 256:], 2) << 4).view(np.int8) - 32
        else:
            codes = table[planes(packed, 4)]
    codes = codes.reshape(tiles, blocks, BLOCK_COLUMNS // 4, TILE_ROWS, 4)  # [tile, block, group, row, 4 columns]
    codes = codes.transpose(0, 3, 1, 2, 4).reshape(tiles, TILE_ROWS, blocks, BLOCK_COLUMNS)
    values = codes.astype(np.float32) * scales[..., None]
    return values.reshape(tiles * TILE_ROWS, blocks * BLOCK_COLUMNS)[:rows, :columns]


class Bundle:
    """The metadata and matrices of a .dera file."""

    def __init__(self, path):
        self.reader = GGUFReader(path)
        self.data = {tensor.name: tensor.data for tensor in self.reader.tensors}
        self.models = self.value("dera.models")
        self.architecture = self.value("general.architecture")
        names, codecs = self.value("dera.tensor.names"), self.value("dera.tensor.codecs")
        tables = np.array(self.value("dera.tensor.tables", []), np.int8).reshape(-1, 16)
        shapes = zip(self.value("dera.tensor.rows"), self.value("dera.tensor.columns"))
        self.tensors = {}
        for name, codec, (rows, columns) in zip(names, codecs, shapes):
            table = LINEAR_TABLE
            if codec == "int4" and len(tables):
                table, tables = tables[0], tables[1:]
            self.tensors[name] = (codec, int(rows), int(columns), table)

    def value(self, key, default=None):
        field = self.reader.get_field(key)
        return default if field is None else field.contents()

    def number(self, suffix):
        return self.value(f"{self.architecture}.{suffix}")

    def name(self, inventory_name, model):
        """The file's name of the tensor that model number `model` uses."""
        own = f"a{model}.{inventory_name}"
        return own if own in self.tensors else inventory_name

    def matrix(self, name):
        codec, rows, columns, table = self.tensors[name]
        data = self.data[name].reshape(-1)
        if codec == "f32":
            return np.array(data.view("<f4"))
        return unpack(data.view(np.uint8), codec, rows, columns, table)

    def config(self):
        slides = [bool(flag) for flag in self.value("dera.layer_slides")]
        window = self.number("attention.sliding_window")
        head_dim, hidden = self.number("attention.key_length"), self.number("embedding_length")
        own = dict(
            vocab_size=self.number("vocab_size"), hidden_size=hidden, num_hidden_layers=self.number("block_count"),
            num_attention_heads=self.number("attention.head_count"), head_dim=head_dim,
            num_key_value_heads=self.number("attention.head_count_kv"),
            intermediate_size=self.number("feed_forward_length"),
            max_position_embeddings=self.number("context_length"),
            rms_norm_eps=self.number("attention.layer_norm_rms_epsilon"), pad_token_id=None, bos_token_id=None,
            eos_token_id=None, tie_word_embeddings=bool(self.value("dera.tied_embeddings")))
        kinds = ["sliding_attention" if flag else "full_attention" for flag in slides]
        if self.architecture == "llama":
            if not any(slides):
                return LlamaConfig(**own)
            assert all(slides), "a mixture of sliding and full layers in the llama family"
            return MistralConfig(**own, sliding_window=window)
        if self.architecture in ("qwen2", "qwen3"):
            own |= dict(use_sliding_window=any(slides), sliding_window=window, layer_types=kinds)
        if self.architecture == "gemma3":
            own |= dict(sliding_window=window or 4096, layer_types=kinds)
        return CONFIGS[self.architecture](**own)

    def model(self, number=0):
        """Model number `number` (0 is the reference) in float32."""
        model = AutoModelForCausalLM.from_config(self.config(), dtype=torch.float32, attn_implementation="eager")
        state = model.state_dict()
        for name in {name.split(".", 1)[1] if name[0] == "a" and name[1].isdigit() else name for name in self.tensors}:
            target = hugging_face_name(name, self.architecture)
            value = torch.from_numpy(self.matrix(self.name(name, number))).reshape(state[target].shape)
            if self.architecture == "gemma3" and "norm" in name:
                value = value - 1
            state[target].copy_(value)
        self.set_constants(model)
        return model.eval()

    def set_constants(self, model):
        """Puts the bundle's own rotary frequencies and scales in place of those transformers derives."""
        rope = model.model.rotary_emb
        kinds = [("", "rope")]
        if self.architecture == "gemma3":
            sliding = "rope_sliding" if self.value("dera.rope_sliding.magnitude") is not None else "rope"
            kinds = [("full_attention_", "rope"), ("sliding_attention_", sliding)]
            model.model.embed_tokens.embed_scale.fill_(self.value("dera.embedding_scale"))
        for prefix, key in kinds:
            if hasattr(rope, prefix + "inv_freq"):
                frequencies = torch.tensor(self.value(f"dera.{key}.inverse_frequencies"))
                setattr(rope, prefix + "inv_freq", frequencies)
                setattr(rope, prefix + "attention_scaling", self.value(f"dera.{key}.magnitude"))
        for layer in model.model.layers:
            layer.self_attn.scaling = self.value("dera.attention_scale")


def hugging_face_name(name, architecture):
    parts = name.split(".")
    if parts[0] != "blk":
        return f"{TOP[parts[0]]}.{parts[1]}"
    module = MODULES.get(parts[2])
    if parts[2] == "ffn_norm":
        module = "pre_feedforward_layernorm" if architecture == "gemma3" else "post_attention_layernorm"
    return f"model.layers.{parts[1]}.{module}.{parts[3]}"

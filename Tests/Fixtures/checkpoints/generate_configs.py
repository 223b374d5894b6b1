"""Writes configs.json: `config.json` files as found in the wild and what transformers makes of them."""

import json
import tempfile
from pathlib import Path

from transformers import AutoConfig
from transformers.models.gemma3.modeling_gemma3 import Gemma3RotaryEmbedding
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

LLAMA = dict(architectures=["LlamaForCausalLM"], model_type="llama")
MISTRAL = dict(architectures=["MistralForCausalLM"], model_type="mistral")
QWEN2 = dict(architectures=["Qwen2ForCausalLM"], model_type="qwen2")
QWEN3 = dict(architectures=["Qwen3ForCausalLM"], model_type="qwen3")
OLMO2 = dict(architectures=["Olmo2ForCausalLM"], model_type="olmo2")
GEMMA3 = dict(architectures=["Gemma3ForCausalLM"], model_type="gemma3_text")
LLAMA3_SCALING = dict(
    factor=32.0, high_freq_factor=4.0, low_freq_factor=1.0, original_max_position_embeddings=8192, rope_type="llama3")

CONFIGS = {
    "llama defaults": LLAMA,
    "mistral defaults": MISTRAL,
    "qwen2 defaults": QWEN2,
    "qwen3 defaults": QWEN3,
    "olmo2 defaults": OLMO2,
    "gemma3 defaults": GEMMA3,
    "smollm2": LLAMA | dict(
        attention_bias=False, eos_token_id=2, hidden_act="silu", hidden_size=576, intermediate_size=1536,
        max_position_embeddings=8192, mlp_bias=False, num_attention_heads=9, num_hidden_layers=30, num_key_value_heads=3,
        pretraining_tp=1, rms_norm_eps=1e-05, rope_interleaved=False, rope_scaling=None, rope_theta=100000,
        tie_word_embeddings=True, torch_dtype="bfloat16", vocab_size=49152),
    "llama 3.2, older layout": LLAMA | dict(
        eos_token_id=[128001, 128008, 128009], head_dim=64, hidden_size=2048, intermediate_size=8192,
        max_position_embeddings=131072, num_attention_heads=32, num_hidden_layers=16, num_key_value_heads=8,
        rms_norm_eps=1e-05, rope_scaling=LLAMA3_SCALING, rope_theta=500000.0, tie_word_embeddings=True, vocab_size=128256),
    "llama 3.2, newer layout": LLAMA | dict(
        hidden_size=2048, max_position_embeddings=131072, num_key_value_heads=8,
        rope_parameters=LLAMA3_SCALING | dict(rope_theta=500000.0)),
    "linear scaling with the old key": LLAMA | dict(rope_scaling=dict(type="linear", factor=4.0)),
    "mistral without a window": MISTRAL | dict(sliding_window=None, rope_theta=1000000.0),
    "mistral with a head size": MISTRAL | dict(head_dim=160, hidden_size=5120, num_hidden_layers=40),
    "qwen2 with yarn": QWEN2 | dict(
        hidden_size=896, num_attention_heads=14, num_key_value_heads=2, num_hidden_layers=24, intermediate_size=4864,
        tie_word_embeddings=True, use_sliding_window=False, sliding_window=32768, max_window_layers=24,
        rope_theta=1000000.0, rope_scaling=dict(factor=4.0, original_max_position_embeddings=32768, type="yarn")),
    "qwen2 with windows": QWEN2 | dict(
        use_sliding_window=True, sliding_window=1024, max_window_layers=3, num_hidden_layers=5),
    "qwen3 with layer types": QWEN3 | dict(
        use_sliding_window=True, sliding_window=64, num_hidden_layers=2, eos_token_id=151645,
        layer_types=["sliding_attention", "full_attention"], hidden_size=1024, num_attention_heads=16,
        num_key_value_heads=8),
    "olmo2": OLMO2 | dict(
        hidden_size=2048, intermediate_size=8192, num_attention_heads=16, num_hidden_layers=16, rms_norm_eps=1e-06,
        rope_theta=500000, vocab_size=100352, eos_token_id=100257),
    "gemma 3 270m, older layout": GEMMA3 | dict(
        _sliding_window_pattern=6, hidden_size=640, intermediate_size=2048, max_position_embeddings=32768,
        num_attention_heads=4, num_hidden_layers=18, num_key_value_heads=1, query_pre_attn_scalar=256,
        rope_local_base_freq=10000.0, rope_scaling=None, rope_theta=1000000.0, sliding_window=512, vocab_size=262144),
    "gemma 3, older layout with scaling and a pattern": GEMMA3 | dict(
        sliding_window_pattern=3, num_hidden_layers=7, rope_scaling=dict(factor=8.0, rope_type="linear"),
        query_pre_attn_scalar=168, hidden_size=5376, num_attention_heads=32, num_key_value_heads=16, head_dim=128),
    "gemma 3, newer layout": GEMMA3 | dict(
        num_hidden_layers=3, layer_types=["sliding_attention", "full_attention", "sliding_attention"],
        rope_parameters=dict(
            full_attention=dict(rope_type="linear", factor=8.0, rope_theta=500000.0),
            sliding_attention=dict(rope_type="default", rope_theta=20000.0))),
    "gemma 3, newer layout in part": GEMMA3 | dict(
        num_hidden_layers=6, rope_parameters=dict(full_attention=dict(rope_theta=400000.0), sliding_attention=None)),
}


def rotary(config):
    """[inverse frequencies, magnitude] of full and of sliding attention."""
    if config.model_type != "gemma3_text":
        rope = LlamaRotaryEmbedding(config)
        return {"full": [rope.inv_freq.tolist(), rope.attention_scaling]}
    rope = Gemma3RotaryEmbedding(config)
    return {
        kind: [getattr(rope, f"{kind}_attention_inv_freq").tolist(), getattr(rope, f"{kind}_attention_attention_scaling")]
        for kind in ("full", "sliding") if f"{kind}_attention" in config.layer_types}


def expected(config):
    kinds = getattr(config, "layer_types", None)
    window = getattr(config, "sliding_window", None)
    slides = [window is not None] * config.num_hidden_layers
    if kinds is not None:
        slides = [kind == "sliding_attention" for kind in kinds]
    elif config.model_type != "mistral":
        slides = [False] * config.num_hidden_layers
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    is_gemma = config.model_type == "gemma3_text"
    eos = config.eos_token_id
    return dict(
        vocabulary=config.vocab_size, hidden=config.hidden_size, layers=config.num_hidden_layers,
        heads=config.num_attention_heads, kv_heads=config.num_key_value_heads, head_dim=head_dim,
        feed_forward=config.intermediate_size, context=config.max_position_embeddings, epsilon=config.rms_norm_eps,
        ties=config.tie_word_embeddings, embedding_scale=config.hidden_size**0.5 if is_gemma else 1.0,
        attention_scale=(config.query_pre_attn_scalar if is_gemma else head_dim) ** -0.5,
        window=window if True in slides else None, slides=slides, rope=rotary(config),
        eos=[] if eos is None else eos if isinstance(eos, list) else [eos])


def entry(name, config):
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "config.json").write_text(json.dumps(config))
        return dict(name=name, config=config, expected=expected(AutoConfig.from_pretrained(directory)))


if __name__ == "__main__":
    entries = [json.dumps(entry(name, config)) for name, config in CONFIGS.items()]
    Path(__file__).with_name("configs.json").write_text("[\n" + ",\n".join(entries) + "\n]\n")

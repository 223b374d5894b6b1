"""A GGUF file's tokenizer as Hugging Face `transformers` reads it."""

from tokenizers import pre_tokenizers
from transformers import PreTrainedTokenizerFast
from transformers.integrations.gguf import convert_gguf_tokenizer, get_gguf_tokenizer


def load(path):
    """The `tokenizers` backend, with begin-of-sequence set up as the file says."""
    architecture, tokenizer, config = get_gguf_tokenizer(str(path))
    backend, _ = convert_gguf_tokenizer(architecture, tokenizer)
    if tokenizer.get("pre_tokenizer_type") == "smollm":
        # transformers does not know this name; these are the settings of SmolLM2's own tokenizer.json.
        backend.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False),
        ])
    config.pop("chat_template", None)
    return PreTrainedTokenizerFast(tokenizer_object=backend, **config)

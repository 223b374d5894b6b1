"""What transformers makes of one vocabulary under the settings that stand beside it, for TokenizerFilesTests.

    python classes.py          writes classes.json and the SHA256SUMS line is updated by generate.py's rule

classes.json: `model`: [tokenizer_config.json, [ids of each text]] for sentencepiece/tokenizer.model; `json`:
[post_processor, tokenizer_config.json, ids of "a" with special tokens] for a small byte-level tokenizer.json; `prefix`:
[add_prefix_space of tokenizer.json, tokenizer_config.json, ids of "ab"]. Packages: transformers 5.24, tokenizers 0.23,
sentencepiece 0.2.
"""

import itertools
import json
import pathlib
import shutil
import tempfile

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import AutoTokenizer

HERE = pathlib.Path(__file__).resolve().parent
TEXTS = [" a", "a", " a  b", "a</s>b", "a</s> b", "<s>a", ""]
UNSET = object()


def load(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = pathlib.Path(folder) / name
            shutil.copy(content, path) if isinstance(content, pathlib.Path) else path.write_text(json.dumps(content))
        return AutoTokenizer.from_pretrained(folder)


def config(**values):
    return {name: value for name, value in values.items() if value is not UNSET}


def byte_level(prefix=False):
    vocabulary = {character: index for index, character in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in ("<s>", "</s>")])
    return tokenizer


def model_cases():
    path = HERE / "sentencepiece" / "tokenizer.model"
    classes = ["LlamaTokenizer", "LlamaTokenizerFast", "PreTrainedTokenizerFast", "GemmaTokenizer"]
    for name, legacy, prefix in itertools.product(classes, [UNSET, True, False], [UNSET, True, False]):
        values = config(tokenizer_class=name, legacy=legacy, add_prefix_space=prefix)
        tokenizer = load({"tokenizer.model": path, "tokenizer_config.json": values})
        yield [values, [tokenizer.encode(text, add_special_tokens=False) for text in TEXTS]]


def json_cases():
    pieces = {"<s>": [("<s>", 256)], "</s>": [("</s>", 257)]}
    for bos, eos in itertools.product([False, True], repeat=2):
        tokenizer = byte_level()
        single = ("<s> " if bos else "") + "$A" + (" </s>" if eos else "")
        special = (pieces["<s>"] if bos else []) + (pieces["</s>"] if eos else [])
        tokenizer.post_processor = processors.TemplateProcessing(single=single, special_tokens=special)
        for add_bos, add_eos in itertools.product([UNSET, None, True, False], repeat=2):
            values = config(
                tokenizer_class="PreTrainedTokenizerFast", bos_token="<s>", eos_token="</s>", add_bos_token=add_bos,
                add_eos_token=add_eos)
            full = load({"tokenizer.json": json.loads(tokenizer.to_str()), "tokenizer_config.json": values})
            yield [json.loads(tokenizer.to_str())["post_processor"], values, full.encode("a")]


def prefix_cases():
    classes = ["GPT2Tokenizer", "GPT2TokenizerFast", "Qwen2Tokenizer", "GPTNeoXTokenizerFast", "PreTrainedTokenizerFast"]
    for name, own, prefix in itertools.product(classes, [False, True], [UNSET, True, False]):
        values = config(tokenizer_class=name, add_prefix_space=prefix)
        full = load({"tokenizer.json": json.loads(byte_level(own).to_str()), "tokenizer_config.json": values})
        yield [own, values, full.encode("ab", add_special_tokens=False)]


def main():
    result = {"texts": TEXTS, "model": list(model_cases()), "json": list(json_cases()), "prefix": list(prefix_cases())}
    (HERE / "classes.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

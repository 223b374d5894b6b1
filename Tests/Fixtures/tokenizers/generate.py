"""Makes the tokenizer fixtures: small tokenizers with the settings that the model families publish, the shared lines,
and for every tokenizer what Hugging Face `tokenizers` (or SentencePiece, for a bare `tokenizer.model`) makes of them.

    python generate.py                 all fixtures beside this file
    python generate.py --gguf A.gguf   expectations for a model of tools/fetch-models, written to models/A.gguf.bin

An expectation file is little-endian: u32 lines, u32 lines with ids in full; then for each line three u32 hashes
(FNV-1a over the ids as i32: without and with special tokens added; over the decoded text without special tokens);
then for the first lines u32 count and the ids as i32. Packages: tokenizers 0.23, transformers 5, sentencepiece 0.2,
gguf 0.19; Python 3.11 (its sources are the corpus).
"""

import argparse
import hashlib
import io
import json
import pathlib
import shutil
import struct
import tempfile

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import lines as texts

HERE = pathlib.Path(__file__).parent
FULL = 60
LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")


def fnv(data):
    value = 0x811C9DC5
    for byte in data:
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value


def write_expectation(path, encode, decode):
    """`encode(text, special)` and `decode(ids)` are the oracle's."""
    hashes, full = b"", b""
    data = texts.lines()
    for index, line in enumerate(data):
        text = line.decode("utf-8", "replace")
        plain, special = encode(text, False), encode(text, True)
        coded = [struct.pack(f"<{len(ids)}i", *ids) for ids in (plain, special)]
        hashes += struct.pack("<III", fnv(coded[0]), fnv(coded[1]), fnv(decode(plain).encode()))
        if index < FULL:
            full += struct.pack("<I", len(plain)) + coded[0]
    path.write_bytes(struct.pack("<II", len(data), FULL) + hashes + full)


def save(name, tokenizer, config=None):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "tokenizer.json").write_text(tokenizer.to_str(pretty=False), encoding="utf-8")
    if config:
        (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
        from transformers import PreTrainedTokenizerFast

        full = PreTrainedTokenizerFast.from_pretrained(folder)
        encode = lambda text, special: full.encode(text, add_special_tokens=special)
        decode = lambda ids: full.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    else:
        encode = lambda text, special: tokenizer.encode(text, add_special_tokens=special).ids
        decode = lambda ids: tokenizer.decode(ids, skip_special_tokens=True)
    write_expectation(folder / "expected.bin", encode, decode)


def corpus():
    import argparse as a, ast, bisect, calendar, colorsys, csv, textwrap, random
    import inspect

    code = [line for m in (a, ast, bisect, calendar, colorsys, csv, textwrap, random) for line in inspect.getsource(m).splitlines()]
    return code + texts.SENTENCES * 40 + [" ".join(texts.EMOJI)] * 10


def train_byte_level(pre_tokenizer, vocab=1400, normalizer=None, ignore_merges=False):
    tokenizer = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    tokenizer.pre_tokenizer = pre_tokenizer
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    return tokenizer


def byte_level(add_prefix_space=False, use_regex=True):
    return pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space, trim_offsets=True, use_regex=use_regex)


def split_then_bytes(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), behavior, invert), byte_level(use_regex=False),
    ])


def special(*contents):
    return [AddedToken(content, normalized=False, special=True) for content in contents]


def template(bos, tokenizer, eos=None):
    single = f"{bos} $A" + (f" {eos}" if eos else "")
    named = [(token, tokenizer.token_to_id(token)) for token in (bos, eos) if token]
    return processors.TemplateProcessing(single=single, pair=None, special_tokens=named)


def byte_level_fixtures():
    gpt2 = train_byte_level(byte_level())
    gpt2.add_special_tokens([AddedToken("<|endoftext|>", normalized=True, special=True)])
    save("gpt2", gpt2, {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|endoftext|>", "add_bos_token": False})

    smol = train_byte_level(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level()]))
    smol.add_special_tokens(special("<|endoftext|>", "<|im_start|>", "<|im_end|>"))
    save("smollm2", smol, {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>"})

    llama3 = train_byte_level(split_then_bytes(LLAMA3), ignore_merges=True)
    # A word whose merges do not lead to it: only ignore_merges finds it.
    model = json.loads(llama3.to_str())
    model["model"]["vocab"]["Ġdragonfly"] = len(model["model"]["vocab"])
    model["model"]["vocab"]["ABAB"] = len(model["model"]["vocab"])
    llama3 = Tokenizer.from_str(json.dumps(model))
    llama3.add_special_tokens(special("<|begin_of_text|>", "<|eot_id|>", "<|endoftext|>"))
    llama3.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False), template("<|begin_of_text|>", llama3),
    ])
    save("llama3", llama3)

    qwen = train_byte_level(split_then_bytes(QWEN2), normalizer=normalizers.NFC())
    qwen.add_special_tokens(special("<|endoftext|>", "<|im_start|>", "<|im_end|>"))
    qwen.add_tokens([AddedToken("<tool_call>", normalized=False), AddedToken("</tool_call>", normalized=False)])
    save("qwen2", qwen, {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>", "add_bos_token": False})

    olmo = train_byte_level(split_then_bytes(LLAMA3, "removed", True))
    olmo.add_special_tokens(special("<|endoftext|>", "<|pad|>"))
    olmo.add_tokens([AddedToken("|||EMAIL|||", normalized=True)])
    save("olmo2", olmo)

    flags = train_byte_level(byte_level(add_prefix_space=True), 700, normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase()]))
    flags.add_tokens([
        AddedToken("LEFT", lstrip=True, normalized=False), AddedToken("RIGHT", rstrip=True, normalized=False),
        AddedToken("BOTH", lstrip=True, rstrip=True, normalized=False), AddedToken("WORD", single_word=True, normalized=False),
        AddedToken("étude", normalized=True, single_word=True), AddedToken("AB", normalized=False),
        AddedToken("ABAB", normalized=False, single_word=True), AddedToken("\t\t", normalized=False),
    ])
    flags.add_special_tokens([AddedToken("<|im_start|>", normalized=True, special=True, rstrip=True)])
    save("flags", flags)


def train_sentencepiece(**options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(corpus()), model_writer=model, model_type="bpe", byte_fallback=True, vocab_size=1500,
        normalization_rule_name="identity", split_digits=True, allow_whitespace_only_pieces=True, num_threads=1,
        character_coverage=0.985, minloglevel=2, **options,
    )
    return model.getvalue()


def sentencepiece_bpe(data):
    """Vocabulary and merges as transformers derives them from a model of Llama's kind (scores decide)."""
    from transformers.tokenization_utils_base import generate_merges

    processor = sentencepiece.SentencePieceProcessor(model_proto=data)
    pieces = [processor.id_to_piece(index) for index in range(processor.get_piece_size())]
    vocab = {piece: index for index, piece in enumerate(pieces)}
    scores = {piece: processor.get_score(index) for index, piece in enumerate(pieces)}
    return models.BPE(
        vocab=vocab, merges=generate_merges(vocab, scores), byte_fallback=True, fuse_unk=True, unk_token="<unk>"
    )


def sentencepiece_decoder(strip):
    chain = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    return decoders.Sequence(chain + ([decoders.Strip(" ", 1, 0)] if strip else []))


def sentencepiece_fixtures():
    data = train_sentencepiece(remove_extra_whitespaces=False)
    llama2 = Tokenizer(sentencepiece_bpe(data))
    llama2.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    llama2.decoder = sentencepiece_decoder(True)
    llama2.add_special_tokens(special("<unk>", "<s>", "</s>"))
    llama2.add_tokens([AddedToken("<pad>", normalized=True)])
    llama2.post_processor = template("<s>", llama2)
    save("llama2", llama2)

    mistral = Tokenizer(sentencepiece_bpe(data))
    mistral.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme="first", split=False)
    mistral.decoder = sentencepiece_decoder(True)
    mistral.add_special_tokens(special("<unk>", "<s>", "</s>", "[INST]", "[/INST]"))
    mistral.post_processor = template("<s>", mistral, "</s>")
    save("mistral", mistral)

    gemma = Tokenizer(sentencepiece_bpe(data))
    gemma.normalizer = normalizers.Replace(" ", "▁")
    gemma.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    gemma.decoder = sentencepiece_decoder(False)
    gemma.add_special_tokens(special("<s>", "</s>", "<bos>", "<end_of_turn>"))
    gemma.add_tokens([AddedToken(text, normalized=False) for text in ("<start_of_turn>", "\n\n", "▁▁", "\t\t")])
    gemma.post_processor = template("<bos>", gemma)
    save("gemma", gemma)

    for name, data in (
        ("sentencepiece", data),
        ("sentencepiece-trimmed", train_sentencepiece(remove_extra_whitespaces=True, add_dummy_prefix=False)),
    ):
        folder = HERE / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "tokenizer.model").write_bytes(data)
        processor = sentencepiece.SentencePieceProcessor(model_proto=data)
        write_expectation(
            folder / "expected.bin", lambda text, bos: processor.encode(text, add_bos=bos), processor.decode
        )
    gguf_from_sentencepiece((HERE / "sentencepiece" / "tokenizer.model").read_bytes())


def gguf_expectation(model, path):
    """What transformers makes of the tokenizer in a GGUF file."""
    import gguf_oracle

    tokenizer = gguf_oracle.load(model)
    write_expectation(
        path,
        lambda text, special: tokenizer.encode(text, add_special_tokens=special),
        lambda ids: tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False),
    )


def gguf_from_sentencepiece(data):
    """The same vocabulary as llama.cpp's converter writes it; the tests write such a file themselves."""
    import gguf

    processor = sentencepiece.SentencePieceProcessor(model_proto=data)
    ids = range(processor.get_piece_size())
    types = [
        6 if processor.is_byte(i) else 3 if processor.is_control(i) else 2 if processor.is_unknown(i) else 1 for i in ids
    ]
    types[processor.piece_to_id("ing")] = 4
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "model.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_tokenizer_model("llama")
        writer.add_token_list([processor.id_to_piece(i) for i in ids])
        writer.add_token_scores([processor.get_score(i) for i in ids])
        writer.add_token_types(types)
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
        writer.add_unk_token_id(0)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.close()
        gguf_expectation(path, HERE / "sentencepiece" / "expected-gguf.bin")


def small_bpe(tokens, **options):
    """A BPE model of single characters and the given longer pieces, built from their prefixes."""
    vocab = {"<unk>": 0}
    merges = []
    for token in tokens:
        for end in range(1, len(token) + 1):
            for piece in (token[end - 1], token[:end]):
                vocab.setdefault(piece, len(vocab))
            if end > 1 and (token[: end - 1], token[end - 1]) not in merges:
                merges.append((token[: end - 1], token[end - 1]))
    return models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", **options)


def step_fixtures():
    """Every behaviour of Split, and the steps no family above uses, on small vocabularies."""
    words = ["the", "▁the", "▁a", "and", "ing", "▁▁", "'s", "12", "éé", "中文", "aaaa", "abab", "def", "self"]
    letters = [chr(code) for code in range(32, 127)] + ["\n", "é", "中", "的", "▁"]
    for behavior in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"):
        tokenizer = Tokenizer(small_bpe(words + letters, fuse_unk=behavior == "isolated"))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(r"\s|\p{P}"), behavior),
            pre_tokenizers.Split(Regex(r"(?=[A-Z])|\p{Han}|\d{2}"), behavior, True),
        ])
        tokenizer.decoder = decoders.Fuse()
        save("split-" + behavior.replace("_", "-"), tokenizer)

    tokenizer = Tokenizer(small_bpe(words + letters, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([
        normalizers.Strip(), normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Replace("''", '"'),
    ])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme="always", split=True)
    tokenizer.decoder = decoders.Metaspace("▁", prepend_scheme="always", split=True)
    tokenizer.add_special_tokens(special("<s>"))
    save("metaspace", tokenizer)


def sums():
    paths = sorted(path for path in HERE.rglob("*") if path.suffix in (".bin", ".json", ".model"))
    rows = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(HERE)}\n" for path in paths]
    (HERE / "SHA256SUMS").write_text("".join(rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gguf", type=pathlib.Path, help="a GGUF model whose tokenizer is too large to keep here")
    arguments = parser.parse_args()
    if arguments.gguf:
        (HERE / "models").mkdir(exist_ok=True)
        gguf_expectation(arguments.gguf, HERE / "models" / f"{arguments.gguf.name}.bin")
        return sums()
    data = texts.lines()
    (HERE / "lines.bin").write_bytes(
        struct.pack("<I", len(data)) + b"".join(struct.pack("<I", len(line)) + line for line in data)
    )
    byte_level_fixtures()
    sentencepiece_fixtures()
    step_fixtures()
    sums()


if __name__ == "__main__":
    main()

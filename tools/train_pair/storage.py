"""What the stages keep on disk: checkpoints, compact differences, pools of sampled stories."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import LlamaForCausalLM

from sampling import Samples

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
FORMAT = "row-scaled int8 difference, version 1"


def sha256(path: Path) -> str:
    """Hexadecimal digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def save_checkpoint(model: LlamaForCausalLM, directory: Path, tokenizer_from: Path) -> None:
    """A Hugging Face checkpoint directory with its tokenizer."""
    model.save_pretrained(directory)
    path = directory / "config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    # Readers older than transformers 5 look for rope_theta at the top level.
    settings["rope_theta"] = settings["rope_parameters"]["rope_theta"]
    path.write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for name in TOKENIZER_FILES:
        if (tokenizer_from / name).resolve() != (directory / name).resolve():
            shutil.copy(tokenizer_from / name, directory / name)


def save_difference(model: LlamaForCausalLM, reference: Path, path: Path) -> None:
    """Writes W − W_reference: a matrix as int8 codes `[rows, columns]` and an f32 scale per row, a vector as f32.

    `expand.py` reads it. The reference's sha-256 in the metadata ties the file to the weights it belongs to.
    """
    base, tensors = load_file(reference / "model.safetensors"), {}
    weights = model.state_dict()
    for name, start in base.items():
        difference = weights[name].float() - start
        if difference.dim() == 1:
            tensors[name] = difference
            continue
        scale = difference.abs().amax(1).clamp(min=1e-12) / 127
        tensors[name] = (difference / scale[:, None]).round().to(torch.int8)
        tensors[name + ".scale"] = scale
    save_file(tensors, path, {"format": FORMAT, "reference_sha256": sha256(reference / "model.safetensors")})


def load_difference(reference: Path, path: Path) -> dict[str, torch.Tensor]:
    """The full f32 weights of a difference file, by tensor name."""
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    if metadata.get("format") != FORMAT:
        raise ValueError(f"{path}: the format is {metadata.get('format')!r}, expected {FORMAT!r}")
    if metadata["reference_sha256"] != sha256(reference / "model.safetensors"):
        raise ValueError(f"{path}: belongs to another reference than {reference}")
    weights, parts = load_file(reference / "model.safetensors"), load_file(path)
    for name in weights:
        scale = parts.get(name + ".scale")
        weights[name] += parts[name] if scale is None else parts[name].float() * scale[:, None]
    return weights


def save_samples(samples: Samples, path: Path) -> None:
    """Rows as one flat array and their lengths."""
    np.savez_compressed(
        path,
        ids=np.concatenate([np.array(row, dtype=np.int16) for row in samples.rows]),
        lengths=np.array([len(row) for row in samples.rows]),
        log_probabilities=np.array(samples.log_probabilities),
        unfinished=samples.unfinished,
    )


def load_samples(path: Path) -> Samples:
    """What `save_samples` wrote."""
    with np.load(path) as file:
        ends = np.cumsum(file["lengths"])[:-1]
        rows = [row.tolist() for row in np.split(file["ids"], ends)]
        return Samples(rows, file["log_probabilities"].tolist(), int(file["unfinished"]))

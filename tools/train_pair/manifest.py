"""manifest.json: how the shipped files were made, what was measured, and the sha-256 and size of every file.

    python manifest.py --update quantized-models/storyteller

renews only the list of files, for example after `dera-quantize` has put storyteller.dera beside the checkpoints.
"""

import argparse
import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import corpus
from recipe import Recipe
from storage import sha256

NAME = "manifest.json"
PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "numpy")


def files(folder: Path) -> list[dict]:
    """Path, bytes and sha-256 of everything in the folder but the manifest itself."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != NAME)
    return [
        {"path": path.relative_to(folder).as_posix(), "bytes": path.stat().st_size, "sha256": sha256(path)}
        for path in paths
    ]


def read(path: Path) -> dict | list:
    return json.loads(path.read_text(encoding="utf-8"))


def write(recipe: Recipe, work: Path, shipped: Path) -> None:
    """Gathers the measurements that the stages left in `work`."""
    times = [json.loads(line) for line in (work / "times.jsonl").read_text(encoding="utf-8").splitlines()]
    grammar = sorted(corpus.GRAMMAR.glob("*.txt"))
    content = {
        "name": "storyteller",
        "license": "Apache-2.0",
        "made_by": "python tools/train_pair/train.py --output DIR",
        "recipe": asdict(recipe),
        "grammar_sha256": {path.name: sha256(path) for path in grammar},
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "cpu_seconds": times,
        "reference": read(work / "reference.json"),
        "aligned": [read(work / f"aligned-{spec.name}.json") for spec in recipe.aligned],
        "slider": {
            spec.name: read(work / f"slider-{spec.name}.json")
            for spec in recipe.aligned
            if spec.stored == "checkpoint"
        },
        "files": files(shipped),
    }
    save(shipped, content)


def save(folder: Path, content: dict) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    (folder / NAME).write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="renew the list of files in a manifest")
    parser.add_argument("--update", type=Path, required=True, metavar="FOLDER", help="folder with manifest.json")
    folder = parser.parse_args().update
    save(folder, read(folder / NAME) | {"files": files(folder)})


if __name__ == "__main__":
    main()

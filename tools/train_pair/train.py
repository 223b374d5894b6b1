"""Makes the storyteller pair: `python train.py --output DIR`.

Stages, each skipped when its output is already there (delete a file to redo its stage and what follows):
corpus and tokenizer, reference model, samples of it, aligned models with their measurements, slider, manifest.
What is shipped goes to DIR/storyteller, what only serves the making of it to DIR/work.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers.utils import logging

import align
import corpus
import evaluate
import manifest
from model import fit, load_model, log_likelihoods, new_model
from recipe import Aligned, Recipe, smoke
from rewards import REWARDS, word_count
from sampling import Samples, sample
from storage import load_difference, load_samples, save_checkpoint, save_difference, save_samples
from tokenizer import END_OF_TEXT_ID, encode_stories, save_tokenizer, train_tokenizer

SAMPLES = "samples-reference.npz"


@dataclass
class Workshop:
    """The recipe and the folders; stages talk to each other through files only."""

    recipe: Recipe
    output: Path

    def __post_init__(self) -> None:
        self.shipped, self.work = self.output / "storyteller", self.output / "work"
        self.reference = self.shipped / "reference"
        for folder in (self.reference, self.shipped / "family", self.work):
            folder.mkdir(parents=True, exist_ok=True)

    def tokenizer(self) -> Tokenizer:
        return Tokenizer.from_file(str(self.reference / "tokenizer.json"))

    def texts(self, samples: Samples) -> list[str]:
        return self.tokenizer().decode_batch(samples.rows)

    def master(self, name: str) -> Path:
        """Where a model's exact f32 weights are."""
        stored = {spec.name: spec.stored for spec in self.recipe.aligned}.get(name, "checkpoint")
        return (self.shipped if stored == "checkpoint" else self.work) / name


def make_tokenizer(shop: Workshop) -> None:
    recipe = shop.recipe
    texts = corpus.stories(recipe.tokenizer_stories, recipe.seed)
    save_tokenizer(train_tokenizer(texts, recipe.vocabulary), shop.reference, recipe.context)


def make_reference(shop: Workshop) -> None:
    recipe, tokenizer = shop.recipe, shop.tokenizer()
    rows = encode_stories(tokenizer, corpus.stories(recipe.stories, recipe.seed))
    model = new_model(recipe.shape, recipe.vocabulary, recipe.context, recipe.seed + 1)
    early = shop.work / "pretrained"
    fit(
        model, rows, np.arange(len(rows)), recipe.batch_tokens, recipe.rate, recipe.weight_decay, "reference",
        (recipe.early_fraction, early),
    )
    save_checkpoint(load_model(early).half(), shop.shipped / "pretrained", shop.reference)
    held_out = encode_stories(tokenizer, corpus.stories(recipe.held_out_stories, recipe.seed + 2))
    tokens = sum(len(row) - 1 for row in held_out)
    results = {"parameters": sum(p.numel() for p in model.parameters()), "training_tokens": sum(map(len, rows))}
    for name, candidate in (("pretrained", load_model(shop.shipped / "pretrained")), ("reference", model)):
        results[f"{name}_nats_per_token"] = -float(log_likelihoods(candidate, held_out).sum()) / tokens
    write_json(shop.work / "reference.json", results)
    save_checkpoint(model, shop.reference, shop.reference)


def make_samples(shop: Workshop) -> None:
    recipe = shop.recipe
    samples = sample(
        [load_model(shop.reference)], [1.0], [END_OF_TEXT_ID], recipe.reference_samples, recipe.seed + 20,
        label="samples of the reference",
    )
    save_samples(samples, shop.work / SAMPLES)


def make_aligned(shop: Workshop, spec: Aligned) -> None:
    """Fits one aligned model and compares what it shows with what the reweighted samples predict."""
    recipe, reference = shop.recipe, load_model(shop.reference)
    samples = load_samples(shop.work / SAMPLES)
    rewards = np.array([REWARDS[spec.reward](text) for text in shop.texts(samples)])
    target = align.tilt(rewards, spec.beta)
    print(f"  {spec.name}: effective samples {target.effective_share:.1%} of {len(rewards)}", flush=True)
    order = align.draw(target.weights, recipe.draws, recipe.seed + 10)
    model = load_model(shop.reference)
    fit(model, samples.rows, order, recipe.align_batch_tokens, recipe.align_rate, recipe.weight_decay, spec.name)
    save_checkpoint(model, shop.master(spec.name), shop.reference)

    shown = sample([model], [1.0], [END_OF_TEXT_ID], recipe.measured_samples, recipe.seed + 11, label=spec.name)
    texts = shop.texts(shown)
    measured = align.measure(shown, np.array([REWARDS[spec.reward](text) for text in texts]), reference)
    measured["words"] = float(np.mean([word_count(text) for text in texts]))
    measured["happy"] = float(np.mean([REWARDS["happy"](text) for text in texts]))
    measured["unfinished"] = shown.unfinished
    result = {
        "name": spec.name, "reward": spec.reward, "beta": spec.beta,
        "samples": len(rewards), "effective_share": target.effective_share,
        "reference_reward": float(rewards.mean()),
        "predicted": {"reward": target.reward, "kl": target.kl}, "measured": measured,
    }
    if spec.stored == "difference":
        result["storage_kl_per_story"] = store_difference(shop, spec, shown)
    write_json(shop.work / f"aligned-{spec.name}.json", result)


def store_difference(shop: Workshop, spec: Aligned, shown: Samples) -> float:
    """Writes the compact file; KL(exact ‖ stored) in nats per story, estimated on the model's own samples."""
    path = shop.shipped / "family" / f"{spec.name}.safetensors"
    save_difference(load_model(shop.master(spec.name)), shop.reference, path)
    stored = load_model(shop.reference)
    stored.load_state_dict(load_difference(shop.reference, path), strict=False)
    return float(np.mean(np.array(shown.log_probabilities) - log_likelihoods(stored, shown.rows)))


def make_slider(shop: Workshop, spec: Aligned) -> None:
    reference, model = load_model(shop.reference), load_model(shop.master(spec.name))
    rows = []
    for weight in evaluate.LAMBDAS:
        row = evaluate.slider_row(
            reference, model, shop.tokenizer(), weight, shop.recipe.slider_samples, shop.recipe.seed + 12
        )
        print(f"  {spec.name} λ={weight:4}: {row['words']:.1f} words, happy {row['happy']:+.3f}", flush=True)
        rows.append(row)
    write_json(shop.work / f"slider-{spec.name}.json", rows)


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def stages(shop: Workshop) -> list[tuple[str, Path, Callable[[], None]]]:
    """Name, the file that says it is done, and the work, in order."""
    recipe, work = shop.recipe, shop.work
    result = [
        ("tokenizer", shop.reference / "tokenizer_config.json", lambda: make_tokenizer(shop)),
        ("reference model", shop.reference / "model.safetensors", lambda: make_reference(shop)),
        ("samples of the reference", work / SAMPLES, lambda: make_samples(shop)),
    ]
    for spec in recipe.aligned:
        result.append((spec.name, work / f"aligned-{spec.name}.json", lambda spec=spec: make_aligned(shop, spec)))
    for spec in recipe.aligned:
        if spec.stored == "checkpoint":
            result.append((
                f"slider of {spec.name}", work / f"slider-{spec.name}.json", lambda spec=spec: make_slider(shop, spec)
            ))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description="train the storyteller pair")
    parser.add_argument("--output", type=Path, required=True, help="folder to fill; a stopped run resumes there")
    parser.add_argument("--threads", type=int, default=2, help="threads of PyTorch (default: 2)")
    parser.add_argument("--smoke", action="store_true", help="all stages at a tiny size, in under a minute")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    logging.disable_progress_bar()
    shop = Workshop(smoke() if arguments.smoke else Recipe(), arguments.output)
    started, todo = time.monotonic(), stages(shop)
    for number, (name, done, work) in enumerate(todo, 1):
        state = "already done" if done.exists() else f"at {time.monotonic() - started:.0f} s"
        print(f"[{number}/{len(todo)}] {name}: {state}", flush=True)
        if not done.exists():
            cpu = time.process_time()
            work()
            with (shop.work / "times.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps({"stage": name, "cpu_seconds": round(time.process_time() - cpu, 1)}) + "\n")
    manifest.write(shop.recipe, shop.work, shop.shipped)
    print(f"done: {shop.shipped}")


if __name__ == "__main__":
    main()

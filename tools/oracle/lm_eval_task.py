"""Runs a multiple-choice task through EleutherAI's lm-eval twice, on a Hugging Face checkpoint and on `dera score`, and compares.

Usage: python lm_eval_task.py --checkpoint DIR --bundle FILE.dera --stories FILE [--lambda L] [--dera PATH]

A story a line; the task is to tell its last sentence from those of the next three stories.  `Dera` below is all that
lm-eval needs to run its tasks on a bundle.  Needs lm-eval, transformers and torch.
"""

import argparse
import json
import re
import subprocess
import tempfile
from pathlib import Path

import lm_eval
from lm_eval.api.model import LM
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager


class Dera(LM):
    """A bundle under one λ, for every kind of task."""

    def __init__(self, bundle, strength, command):
        super().__init__()
        self.command = [command, "score", bundle, "--lambda", strength, "--file", "-"]
        self.seen = []

    def loglikelihood(self, requests):
        results = self.ask(dict(zip(("context", "continuation"), request.args)) for request in requests)
        self.seen = [(result["log_likelihood"], result["is_greedy"]) for result in results]
        return self.seen

    def loglikelihood_rolling(self, requests):
        return [result["log_likelihood"] for result in self.ask({"text": request.args[0]} for request in requests)]

    def generate_until(self, requests):
        return [result["text"] for result in self.ask(self.generation(*request.args) for request in requests)]

    @staticmethod
    def generation(context, options):
        until = options.get("until", [])
        return dict(
            context=context, until=[until] if isinstance(until, str) else until,
            max_tokens=options.get("max_gen_toks", 256), temperature=options.get("temperature", 0))

    def ask(self, requests):
        lines = "\n".join(map(json.dumps, requests))
        output = subprocess.run(self.command, input=lines, capture_output=True, text=True, check=True).stdout
        return [json.loads(line)["results"][0] for line in output.splitlines()]


class Recorded(HFLM):
    """lm-eval's own model, remembering what it answered."""

    def loglikelihood(self, requests, **options):
        self.seen = super().loglikelihood(requests, **options)
        return self.seen


def write_task(folder, stories):
    cut = [re.match(r"(.*[.!?\"])( [A-Z\"][^.!?]*[.!?]\"?)$", story) for story in stories]
    cut = [match.groups() for match in cut if match]
    documents = []
    for index, (context, _) in enumerate(cut):
        endings = [cut[(index + offset) % len(cut)][1] for offset in range(4)]
        documents.append(dict(context=context, choices=[ending.strip() for ending in endings], label=0))
    (folder / "stories.jsonl").write_text("".join(json.dumps(document) + "\n" for document in documents))
    (folder / "endings.yaml").write_text(json.dumps(dict(
        task="endings", dataset_path="json", dataset_kwargs=dict(data_files=dict(test=str(folder / "stories.jsonl"))),
        test_split="test", output_type="multiple_choice", doc_to_text="{{context}}", doc_to_target="label",
        doc_to_choice="choices", metric_list=[dict(metric="acc"), dict(metric="acc_norm")])))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--stories", required=True)
    parser.add_argument("--lambda", dest="strength", default="0")
    parser.add_argument("--dera", default=".build/release/dera")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_task(folder, Path(arguments.stories).read_text().splitlines())
        tasks = TaskManager(include_path=name, include_defaults=False)
        models = [
            Recorded(pretrained=arguments.checkpoint, dtype="float32", device="cpu", batch_size=1),
            Dera(arguments.bundle, arguments.strength, arguments.dera)]
        results = [
            lm_eval.simple_evaluate(model=model, tasks=["endings"], task_manager=tasks, bootstrap_iters=0)
            for model in models]
    for name, result in zip(["transformers", "dera"], results):
        figures = result["results"]["endings"]
        print(name, {key: value for key, value in figures.items() if key.startswith("acc")})
    pairs = list(zip(models[0].seen, models[1].seen))
    print(f"{len(pairs)} requests, largest difference of log-likelihoods",
          f"{max(abs(left[0] - right[0]) for left, right in pairs):.2e},",
          f"is_greedy differs in {sum(bool(left[1]) != right[1] for left, right in pairs)}")


if __name__ == "__main__":
    main()

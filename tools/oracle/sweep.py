"""The figures of `dera sweep` once more, with NumPy and SciPy; checks a finished sweep against them.

Usage: python sweep.py DIRECTORY --bundle FILE.dera [--dera PATH] [--answers N] [--tolerance T]

From samples.jsonl's tokens it computes distinct-n and repetition, from `dera logits` the log-likelihoods, divergences and
entropies of the first N answers under each λ, and from every answer's figures the means and confidence intervals of
summary.csv.  The blend is made here, from the logits at λ = 0 and of each model alone, so a bundle of 16 bits should be
used: with 8-bit activations the command, which blends before the output matrix, rounds otherwise.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
from scipy import special, stats
from scipy.special import log_softmax

SUPPORT_RATIO = 1e-3


def mask_implausible(policy, reference, alpha):
    """Logits [tokens, vocabulary] with -inf where the reference's probability is below alpha times its largest."""
    if alpha == 0:
        return policy
    relative = np.exp(reference - reference.max(axis=1, keepdims=True))
    return np.where(relative < alpha, -np.inf, policy)


def divergence(p, q):
    """Sum over rows of KL(p || q), both log-probabilities [tokens, vocabulary]."""
    terms = np.exp(p) * np.where(np.isneginf(p), 0, p - q)
    return terms.sum()


def answer_figures(tokens, policy, models):
    """tokens [n]; policy's and models' logits [n, vocabulary], the reference first."""
    rows = np.arange(len(tokens))
    own = log_softmax(np.asarray(policy, np.float64), axis=1)
    logs = [log_softmax(np.asarray(model, np.float64), axis=1) for model in models]
    probabilities = np.exp(own)
    entropy = -(probabilities * np.where(probabilities > 0, own, 0)).sum(axis=1)
    ratio = np.exp(logs[0][rows, tokens] - logs[0].max(axis=1))
    return dict(
        log_likelihoods=[log[rows, tokens].sum() for log in logs], policy=own[rows, tokens].sum(),
        kl=divergence(own, logs[0]), entropy=entropy.mean(), unsupported=(ratio < SUPPORT_RATIO).mean())


def variety(tokens):
    def distinct(n):
        grams = [tuple(tokens[i:i + n]) for i in range(len(tokens) - n + 1)]
        return len(set(grams)) / len(grams) if grams else None

    values = dict(distinct_1=distinct(1), distinct_2=distinct(2), repetition=1 - (distinct(4) or 1))
    return {name: value for name, value in values.items() if value is not None}


def interval(groups, kind="any"):
    """Mean and ends of the 95 % interval, over the groups' means; over the values where there is one group.

    Ends near a limit come from a scale without ends, by the delta method; a share of 0 or 1 has Wilson's.
    """
    groups = [group for group in groups if group]
    values = np.array(groups[0] if len(groups) == 1 else [np.mean(group) for group in groups], np.float64)
    if len(values) == 1:
        return values.mean(), None, None
    mean = values.mean()
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    if kind == "share" and mean in (0, 1):
        ends = stats.binomtest(int(mean) * len(values), len(values)).proportion_ci(0.95, "wilson")
        return mean, ends.low, ends.high
    if kind == "share" and 0 < mean < 1:
        return mean, *special.expit(special.logit(mean) + np.array([-1, 1]) * half / (mean * (1 - mean)))
    if kind == "positive" and mean > 0:
        return mean, mean * np.exp(-half / mean), mean + half
    if kind == "negative" and mean < 0:
        return mean, mean - half, mean * np.exp(half / mean)
    return mean, mean - half, mean + half


MINIMUM_ANSWERS = 8
BY_TEXT = ("finished", "kl", "reverse_kl", "entropy", "log_likelihood.policy")


def exact_mixture(groups, weights, models, kinds):
    """What answers drawn under a λ say about the distribution proportional to the product of models ** weights.

    groups: the ended answers' figures, a list for each prompt.  Returns name -> (mean, low, high).  Linearised: the
    interval of a statistic is that of its influence values' mean.
    """
    terms = {}
    for group in (group for group in groups if len(group) >= MINIMUM_ANSWERS):
        likelihoods = np.array([[values[f"log_likelihood.{model}"] for model in models] for values in group])
        policy = np.array([values["log_likelihood.policy"] for values in group])
        log_weights = likelihoods @ weights - policy
        count = len(group)
        weight = special.softmax(log_weights)
        normaliser = special.logsumexp(log_weights) - np.log(count)
        share = 1 / (count * (weight ** 2).sum())
        assert np.isclose(share, np.exp(2 * special.logsumexp(log_weights) - special.logsumexp(2 * log_weights)) / count)
        estimates = {
            "effective_share": (share, share * (2 * count * weight - 1) - share * (count ** 2 * share * weight ** 2)),
            "kl_drawn_exact": (normaliser - log_weights.mean(), count * weight - 1 - (log_weights - normaliser))}
        estimates["effective_share"] = (share, share + estimates["effective_share"][1])
        gain = likelihoods @ weights - likelihoods[:, 0]
        mean = weight @ gain
        estimates["kl.exact"] = (mean - normaliser, mean + count * weight * (gain - mean) - normaliser - count * weight + 1)
        for name in group[0]:
            if name not in BY_TEXT:
                values = np.array([answer[name] for answer in group])
                mean = weight @ values
                estimates[f"{name}.exact"] = (mean, mean + count * weight * (values - mean))
        for name, (value, numbers) in estimates.items():
            assert np.isclose(value, numbers.mean(), atol=1e-12), name
            terms.setdefault(name, []).append([float(number) for number in numbers])
    found = {}
    for name, numbers in terms.items():
        kind = kinds(name)
        flat = [number for group in numbers for number in group]
        found[name] = interval(numbers, "any" if all(number == flat[0] for number in flat) else kind)
    return found


def exact_kind(name, settings):
    if name == "effective_share":
        return "share"
    return "positive" if name == "kl_drawn_exact" else kind_of(name.removesuffix(".exact"), settings)


def kind_of(name, settings):
    """The values that a figure can have."""
    if name.startswith("reward."):
        return {"regex": "share", "length": "negative", "bundle": "negative"}.get(settings[name].split(":")[0], "any")
    if name.startswith("log_likelihood."):
        return "negative"
    return "positive" if name in ("tokens", "kl", "reverse_kl", "entropy") else "share"


def lambdas_of(text, models):
    values = dict.fromkeys(models[1:], 0.0)
    for position, part in enumerate(text.split(",")):
        name, _, value = part.rpartition("=")
        values[name or models[1 + position]] = float(value)
    return [values[name] for name in models[1:]]


class Logits:
    """Every model's logits along a text, from `dera logits`."""

    def __init__(self, dera, bundle, models):
        self.dera, self.bundle, self.models = dera, bundle, models

    def __call__(self, tokens):
        points = [",".join("1" if m == model else "0" for m in range(1, self.models)) for model in range(self.models)]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "logits.npy"
            subprocess.run(
                [self.dera, "logits", self.bundle, "--tokens", ",".join(map(str, tokens)), "--lambda",
                 ";".join(points), "--output", path], check=True)
            return np.load(path).astype(np.float64)


def policy(logits, lambdas):
    return logits[0] + sum(value * (logits[1 + m] - logits[0]) for m, value in enumerate(lambdas))


class Check:
    def __init__(self, tolerance):
        self.tolerance, self.count, self.failures, self.worst = tolerance, 0, 0, 0.0

    def __call__(self, what, found, expected, tolerance=None):
        error = abs(found - expected) / max(1, abs(expected))
        self.count += 1
        self.worst = max(self.worst, error)
        if not error <= (tolerance or self.tolerance):
            self.failures += 1
            print(f"{what}: {found}, but {expected} here", file=sys.stderr)


def check_answers(records, header, prompt_tokens, logits, limit, check):
    models = header["models"]
    alpha = float(header["settings"]["plausible"])
    reference = {}
    for record in records:
        # λ = 0 comes first, so the references are there when they are needed.
        place = (record["prompt"], record["seed"])
        lambdas, tokens = lambdas_of(record["lambda"], models), np.array(record["token_ids"])
        what = f"λ {record['lambda']}, prompt {place[0]}, seed {place[1]}"
        for name, value in variety(record["token_ids"]).items():
            check(f"{what}, {name}", record["values"][name], value, 1e-9)
        if place[0] * header["seeds"] + place[1] >= limit:
            continue
        prompt = prompt_tokens[place[0]]
        rows = slice(len(prompt) - 1, None)
        along = logits(prompt + record["token_ids"][:-1])[:, rows]
        figures = answer_figures(tokens, mask_implausible(policy(along, lambdas), along[0], alpha), along)
        for name, value in zip(models, figures["log_likelihoods"]):
            check(f"{what}, ln p under {name}", record["values"][f"log_likelihood.{name}"], value)
        check(f"{what}, ln π", record["values"]["log_likelihood.policy"], figures["policy"])
        for name in ("kl", "entropy", "unsupported"):
            check(f"{what}, {name}", record["values"][name], figures[name])
        if not any(lambdas):
            reference[place] = along
        if alpha == 0:
            source = reference[place]
            reverse = divergence(log_softmax(source[0], axis=1), log_softmax(policy(source, lambdas), axis=1))
            check(f"{what}, reverse kl", record["values"]["reverse_kl"], reverse)


def check_summary(records, header, rows, check):
    for row in rows:
        groups = defaultdict(lambda: defaultdict(list))
        for record in records:
            if record["lambda"] == row["lambda"] and record["seed"] < header["seeds"]:
                for name, value in record["values"].items():
                    groups[name][record["prompt"]].append(value)
        for name, by_prompt in groups.items():
            mean, low, high = interval(list(by_prompt.values()), kind_of(name, header["settings"]))
            check(f"summary, λ {row['lambda']}, {name}", float(row[name]), mean, 1e-9)
            for end, value in (("low", low), ("high", high)):
                if value is not None:
                    check(f"summary, λ {row['lambda']}, {end} end of {name}", float(row[f"{name}.{end}"]), value, 1e-9)
        if not row["effective_share"]:
            continue
        groups = defaultdict(list)
        for record in records:
            if record["lambda"] == row["lambda"] and record["seed"] < header["seeds"] and record["finish_reason"] == "stop":
                groups[record["prompt"]].append(record["values"])
        lambdas = lambdas_of(row["lambda"], header["models"])
        weights = np.array([1 - sum(lambdas)] + lambdas)
        exact = exact_mixture(
            list(groups.values()), weights, header["models"], lambda name: exact_kind(name, header["settings"]))
        for name, values in exact.items():
            for end, value in zip(("", ".low", ".high"), values):
                if value is not None:
                    check(f"summary, λ {row['lambda']}, {name}{end}", float(row[name + end]), value, 1e-7)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--dera", default="dera")
    parser.add_argument("--answers", type=int, default=2, help="answers under each λ whose logits are computed again")
    parser.add_argument("--tolerance", type=float, default=1e-5)
    arguments = parser.parse_args()
    lines = [json.loads(line) for line in (arguments.directory / "samples.jsonl").read_text().splitlines()]
    header, records = lines[0], lines[1:]
    prompts = []
    for prompt in header["prompts"]:
        output = subprocess.run(
            [arguments.dera, "tokenize", arguments.bundle, "--add-special"], input=prompt["text"], capture_output=True,
            text=True, check=True).stdout
        prompts.append(json.loads(output))
    check = Check(arguments.tolerance)
    logits = Logits(arguments.dera, arguments.bundle, len(header["models"]))
    check_answers(records, header, prompts, logits, arguments.answers, check)
    with open(arguments.directory / "summary.csv", newline="", encoding="utf-8") as file:
        check_summary(records, header, list(csv.DictReader(file)), check)
    print(f"{check.count} figures, {check.failures} differ; largest relative error {check.worst:.2e}")
    sys.exit(1 if check.failures else 0)


if __name__ == "__main__":
    main()

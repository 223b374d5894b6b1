"""Makes figures.f32, figures.json and mixtures.json: random logits along an answer, and what tools/oracle/sweep.py makes of them.

Usage: python generate.py   (needs numpy and scipy; the same files every time)

figures.f32 is little-endian float32: three models' logits [models, tokens, vocabulary], then the blend's, then the same
under the mask.
"""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
from scipy import stats

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parents[2] / "tools" / "oracle"))
import sweep  # noqa: E402

MODELS, TOKENS, VOCABULARY, ALPHA = 3, 53, 37, 0.05
LAMBDAS = [1.7, -0.4]


def mixtures():
    """Answers with figures, weights of the models, and what NumPy makes of the exact mixture; a generator of their own."""
    random = np.random.default_rng(17)
    models, cases = ["reference", "a", "b"], []
    for lambdas, spread, counts in [([2.0, 0.0], 1, [40]), ([0.5, -0.25], 0.3, [8, 12, 30]), ([3.0, 0.0], 8, [200, 9, 7])]:
        weights = np.array([1 - sum(lambdas)] + lambdas)
        groups = []
        for count in counts:
            likelihoods = -40 + 3 * random.standard_normal((count, 3))
            # What drew them is the mixture but for noise and a factor of the prompt.
            policy = likelihoods @ weights + random.standard_normal() * 5 + spread * random.standard_normal(count)
            groups.append([
                {**{f"log_likelihood.{model}": float(value) for model, value in zip(models, row)},
                 "log_likelihood.policy": float(own), "tokens": float(random.integers(1, 90)),
                 "distinct_2": float(random.beta(3, 1)), "kl": float(random.gamma(2))}
                for row, own in zip(likelihoods, policy)])
        found = sweep.exact_mixture(groups, weights, models, lambda name: sweep.exact_kind(name, {}))
        cases.append(dict(lambdas=lambdas, groups=groups, figures={name: list(values) for name, values in found.items()}))
    return cases


def main():
    random = np.random.default_rng(11)
    reference = 3 * random.standard_normal((TOKENS, VOCABULARY))
    models = np.stack([reference] + [
        reference + random.standard_normal((TOKENS, VOCABULARY)) for _ in LAMBDAS]).astype("<f4")
    policy = sweep.policy(models.astype(np.float64), LAMBDAS).astype("<f4")
    masked = sweep.mask_implausible(policy, models[0], ALPHA).astype("<f4")
    relative = np.exp(models[0] - models[0].max(axis=1, keepdims=True), dtype=np.float64)
    assert abs(relative / ALPHA - 1).min() > 1e-5, "a token at the mask's edge"
    tokens = random.integers(VOCABULARY, size=TOKENS)
    plain = sweep.answer_figures(tokens, policy, models)
    under_mask = sweep.answer_figures(tokens, masked, models)
    # A token that the mask leaves out has no likelihood under it.
    del under_mask["policy"]
    texts = [[int(token) for token in random.integers(high, size=count)] for high, count in
             [(5, 40), (2, 30), (1, 12), (1000, 20), (3, 3), (3, 1)]]
    groups = [[list(random.standard_normal(count)) for count in counts] for counts in
              [[3, 3, 3], [1, 1], [5], [1], [2, 0, 4, 1], [1] * 40]]
    # The last of each kind have no spread: all answers end, or none does.
    kinds = ["any"] * len(groups)
    for kind, sign, ones in (("share", 1, [[1, 1], [1], [1]]), ("positive", 1, [[0], [0]]), ("negative", -1, [[0], [0]])):
        for counts in [[3, 3, 3], [1, 1], [5], [1] * 40]:
            groups.append([[sign * float(value) for value in random.beta(0.4, 3, count) * (1 if kind == "share" else 50)]
                           for count in counts])
        groups += [ones, [[0.0, 0.0], [0.0]]]
        kinds += [kind] * 6
    figures = dict(
        models=MODELS, tokens=[int(token) for token in tokens], vocabulary=VOCABULARY, alpha=ALPHA, plain=plain,
        masked=under_mask, variety=[dict(tokens=text, values=sweep.variety(text)) for text in texts],
        intervals=[dict(zip(("groups", "kind", "mean", "low", "high"), (group, kind, *sweep.interval(group, kind))))
                   for group, kind in zip(groups, kinds)],
        quantiles={str(degrees): stats.t.ppf(0.975, degrees) for degrees in [1, 2, 3, 4, 5, 10, 31, 200, 5001]})
    (FOLDER / "figures.f32").write_bytes(b"".join(part.tobytes() for part in [models, policy, masked]))
    (FOLDER / "figures.json").write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    (FOLDER / "mixtures.json").write_text(json.dumps(mixtures(), indent=1, sort_keys=True) + "\n")
    names = ["figures.f32", "figures.json", "mixtures.json"]
    sums = [f"{hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (FOLDER / "SHA256SUMS").write_text("".join(sums))


if __name__ == "__main__":
    main()

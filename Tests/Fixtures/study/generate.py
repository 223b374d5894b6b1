"""What SciPy, NumPy and the training's own rewards say, for StudyTests and StatisticsTests.

    python Tests/Fixtures/study/generate.py
"""

import hashlib
import itertools
import json
import sys
from pathlib import Path

import numpy as np
from scipy import stats
from scipy.special import log_softmax, logsumexp

FOLDER = Path(__file__).parent
ROOT = FOLDER.parents[2]
sys.path.insert(0, str(ROOT / "tools/train_pair"))

from rewards import brief, happy, word_count  # noqa: E402

TEXTS = [
    "", "Happy.", "Sad, sad; SAD! She smiled.", "He sighed—and laughed again.\nThey danced with joy\tand cried.",
    "A naïve café smile: tear-stained, unhappy, hug!", " ".join(["word"] * 57) + " proud",
]


def statistics() -> list[dict]:
    """Correlations, distances and intervals of small samples, some with ties."""
    random = np.random.default_rng(11)
    cases = []
    for count, digits in ((5, 6), (9, 1), (40, 0)):
        left = np.round(random.standard_normal(count), digits)
        right = np.round(0.5 * left + random.standard_normal(count), digits)
        other = np.round(random.standard_normal(count + 3), digits)
        cases.append({
            "left": left.tolist(), "right": right.tolist(), "other": other.tolist(),
            "pearson": float(stats.pearsonr(left, right).statistic),
            "spearman": float(stats.spearmanr(left, right).statistic),
            "wasserstein": float(stats.wasserstein_distance(left, other)),
        })
    return cases


def shares() -> list[dict]:
    """Wilson's intervals."""
    cases = []
    for wins, count in ((0, 10), (7, 10), (400, 400), (213, 400)):
        interval = stats.binomtest(wins, count).proportion_ci(0.95, method="wilson")
        cases.append({"wins": wins, "count": count, "low": float(interval.low), "high": float(interval.high)})
    return cases


def bootstrap() -> dict:
    """The percentile interval of every resample of four values, which SciPy's bootstrap draws from."""
    values = np.array([0.3, -1.2, 2.5, 0.9])
    means = [float(values[list(chosen)].mean()) for chosen in itertools.product(range(4), repeat=4)]
    sampled = stats.bootstrap(
        (values,), np.mean, n_resamples=200_000, method="percentile", rng=np.random.default_rng(3))
    return {
        "values": values.tolist(), "means": means,
        "low": float(np.quantile(means, 0.025)), "high": float(np.quantile(means, 0.975)),
        "sampled_low": float(sampled.confidence_interval.low), "sampled_high": float(sampled.confidence_interval.high),
    }


def tiny() -> dict:
    """DeRa and the exact optimum on all texts of 3 tokens over 3, by conditional probabilities."""
    random = np.random.default_rng(7)
    size, length, strength = 3, 3, 2.5
    reference = log_softmax(random.standard_normal(size**length)).reshape((size,) * length)
    rewards = random.standard_normal((size,) * length)
    aligned = reference + rewards
    aligned -= logsumexp(aligned)
    blended = np.zeros((size,) * length)
    for text in itertools.product(range(size), repeat=length):
        for depth in range(length):
            logits = [
                sum(
                    weight * logsumexp(model[text[:depth] + (token,)])
                    for weight, model in ((1 - strength, reference), (strength, aligned)))
                for token in range(size)]
            blended[text] += log_softmax(logits)[text[depth]]
    exact = reference + strength * rewards
    exact -= logsumexp(exact)
    return {
        "vocabulary": size, "length": length, "lambda": strength, "reference": reference.ravel().tolist(),
        "rewards": rewards.ravel().tolist(), "aligned": aligned.ravel().tolist(),
        "realigned": blended.ravel().tolist(), "exact": exact.ravel().tolist(),
        "divergence": float((np.exp(exact) * (exact - blended)).sum()),
        "reward": float((np.exp(blended) * rewards).sum()),
    }


def main() -> None:
    figures = {
        "statistics": statistics(), "shares": shares(), "bootstrap": bootstrap(), "tiny": tiny(),
        "rewards": [
            {"text": text, "brief": brief(text), "happy": happy(text), "words": word_count(text)} for text in TEXTS],
    }
    path = FOLDER / "figures.json"
    path.write_text(json.dumps(figures, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    (FOLDER / "SHA256SUMS").write_text(f"{digest}  figures.json\n")


if __name__ == "__main__":
    main()

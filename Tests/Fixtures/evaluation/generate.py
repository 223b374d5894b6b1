"""Makes divergence.f32 and divergence.json: rows of random logits of two models, and their figures computed here in float64.

Usage: python generate.py   (needs numpy; the same files every time)

The formulas are those of llama.cpp's `llama-perplexity --kl-divergence`, written down again with numpy: the variance of a
mean is (E[x^2] - E[x]^2) / (n - 1), errors of derived figures are first-order, percentiles are linear between ranks.
divergence.f32 is little-endian float32: base logits [rows, vocabulary], then those of the model compared with it, then the
targets [rows].
"""

import hashlib
import json
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent
ROWS, VOCABULARY = 203, 37  # no multiple of a vector's lanes
FRACTIONS = [0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999]


def log_softmax(logits):
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def mean(values):
    value = values.mean()
    return dict(value=value, error=np.sqrt(((values**2).mean() - value**2) / (len(values) - 1)))


def covariance(left, right):
    return ((left * right).mean() - left.mean() * right.mean()) / (len(left) - 1)


def exponential(estimate):
    return dict(value=np.exp(estimate["value"]), error=np.exp(estimate["value"]) * estimate["error"])


def difference(left, right, cov):
    return dict(
        value=left["value"] - right["value"],
        error=np.sqrt(max(left["error"] ** 2 + right["error"] ** 2 - 2 * cov, 0)))


def summary(values):
    return dict(
        mean=mean(values), minimum=values.min(), maximum=values.max(),
        percentiles=list(np.quantile(values, FRACTIONS, method="linear")))


def report(base, own, targets):
    """Every figure of the report, from float64 logits [rows, vocabulary]."""
    rows = np.arange(len(targets))
    log_p, log_q = log_softmax(base), log_softmax(own)
    loss_base, loss = -log_p[rows, targets], -log_q[rows, targets]
    kld = (np.exp(log_p) * (log_p - log_q)).sum(axis=1)
    delta = np.exp(-loss) - np.exp(-loss_base)
    cov = covariance(loss, loss_base)
    ppl, ppl_base = exponential(mean(loss)), exponential(mean(loss_base))
    ratio = difference(mean(loss), mean(loss_base), cov)
    square = mean(delta**2)
    rms = np.sqrt(square["value"])
    same = (log_p.argmax(axis=1) == log_q.argmax(axis=1)).mean()
    return dict(
        tokens=len(targets), ppl=ppl, ppl_base=ppl_base,
        correlation=cov / (mean(loss)["error"] * mean(loss_base)["error"]), ln_ratio=ratio,
        ppl_ratio=exponential(ratio), ppl_difference=difference(ppl, ppl_base, ppl["value"] * ppl_base["value"] * cov),
        kld=summary(kld), delta_p=summary(delta), delta_p_rms=dict(value=rms, error=0.5 / rms * square["error"]),
        same_top_p=dict(value=same, error=np.sqrt(same * (1 - same) / (len(targets) - 1))))


def direction(own, base):
    """Relative error, cosine and gain of logit differences [rows, vocabulary], up to a constant a row."""
    own = own - own.mean(axis=1, keepdims=True)
    base = base - base.mean(axis=1, keepdims=True)
    return dict(
        relative_error=np.linalg.norm(own - base) / np.linalg.norm(base),
        cosine=(own * base).sum() / np.linalg.norm(own) / np.linalg.norm(base),
        gain=(own * base).sum() / (base * base).sum())


def main():
    random = np.random.default_rng(5)
    base = (3 * random.standard_normal((ROWS, VOCABULARY))).astype("<f4")
    own = (0.9 * base + 0.5 * random.standard_normal((ROWS, VOCABULARY)) + 7).astype("<f4")
    targets = np.array([random.choice(VOCABULARY, p=np.exp(row)) for row in log_softmax(base.astype(np.float64))])
    data = b"".join([base.tobytes(), own.tobytes(), targets.astype("<f4").tobytes()])
    figures = report(base.astype(np.float64), own.astype(np.float64), targets)
    text = json.dumps(
        dict(rows=ROWS, vocabulary=VOCABULARY, report=figures,
             direction=direction(own.astype(np.float64), base.astype(np.float64))),
        indent=1, sort_keys=True) + "\n"
    (FOLDER / "divergence.f32").write_bytes(data)
    (FOLDER / "divergence.json").write_text(text)
    # The pictures are what PlotTests draws; it prints them when they differ.
    names = ["bars.svg", "curves.svg", "divergence.f32", "divergence.json", "heat.svg"]
    sums = [f"{hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (FOLDER / "SHA256SUMS").write_text("".join(sums))


if __name__ == "__main__":
    main()

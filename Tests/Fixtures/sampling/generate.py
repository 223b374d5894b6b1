"""Writes cases.json: distributions after penalties and truncation, by transformers' own processors.

Run with transformers and torch installed: python generate.py
Repetition penalty, temperature, top-k, top-p and min-p are transformers' classes; frequency and presence penalties
follow the formula of OpenAI's API reference, mu[j] -= c[j] * frequency + (c[j] > 0) * presence.
"""

import json
import pathlib

import numpy as np
import torch
import transformers as tf

SETTINGS = [
    dict(),
    dict(temperature=0.5),
    dict(temperature=2.0, top_k=5),
    dict(top_k=1),
    dict(top_p=0.9),
    dict(top_p=0.05),
    dict(min_p=0.1),
    dict(min_p=1.0),
    dict(temperature=0.7, top_k=20, top_p=0.8),
    dict(temperature=1.5, top_k=30, top_p=0.95, min_p=0.05),
    dict(temperature=1.3, top_p=0.97, min_p=0.02),
    dict(temperature=0.1, top_k=40),
    dict(repetition_penalty=1.3, top_k=25),
    dict(repetition_penalty=0.8, top_p=0.9),
    dict(frequency_penalty=0.7, presence_penalty=0.4, top_k=25),
    dict(frequency_penalty=-0.5, top_p=0.8),
    dict(repetition_penalty=1.1, presence_penalty=1.5, temperature=0.9, top_k=12, min_p=0.03),
    dict(logit_bias={"3": 4.0, "7": -2.5}, top_k=10),
    dict(logit_bias={"0": float("-inf"), "1": float("-inf")}, top_p=0.9),
]


def distribution(logits, prompt, answer, setting):
    """Ids and probabilities left, most probable first, the lower id first on a tie."""
    ids = torch.tensor([prompt + answer])
    scores = torch.tensor(logits)[None]
    for token, bias in setting.get("logit_bias", {}).items():
        scores[0, int(token)] += bias
    if "repetition_penalty" in setting:
        scores = tf.RepetitionPenaltyLogitsProcessor(setting["repetition_penalty"])(ids, scores)
    for token in set(answer):
        scores[0, token] -= answer.count(token) * setting.get("frequency_penalty", 0)
        scores[0, token] -= setting.get("presence_penalty", 0)
    scores = scores.double()
    if "temperature" in setting:
        scores = tf.TemperatureLogitsWarper(setting["temperature"])(ids, scores)
    if "top_k" in setting:
        scores = tf.TopKLogitsWarper(setting["top_k"])(ids, scores)
    if "top_p" in setting:
        scores = tf.TopPLogitsWarper(setting["top_p"])(ids, scores)
    if "min_p" in setting:
        scores = tf.MinPLogitsWarper(setting["min_p"])(ids, scores)
    probabilities = torch.softmax(scores, -1)[0].tolist()
    kept = [(-p, i) for i, p in enumerate(probabilities) if scores[0, i] > -torch.inf]
    return [[i, -p] for p, i in sorted(kept)]


def main():
    random = np.random.default_rng(2402_02992)
    vocabularies = []
    for size, spread in ((50, 1.0), (97, 3.0), (400, 6.0)):
        logits = (random.standard_normal(size) * spread).astype(np.float32)
        prompt = random.integers(0, size, 12).tolist()
        answer = random.integers(0, 20, 15).tolist()
        cases = []
        for setting in SETTINGS:
            as_float32 = {k: float(np.float32(v)) if isinstance(v, float) else v for k, v in setting.items()}
            kept = distribution(logits.copy(), prompt, answer, as_float32)
            named = {k: v for k, v in setting.items() if k != "logit_bias"}
            bias = {k: ("-inf" if v == float("-inf") else str(v)) for k, v in setting.get("logit_bias", {}).items()}
            cases.append(dict(setting=named, bias=bias, ids=[i for i, _ in kept][:60],
                              probabilities=[p for _, p in kept][:60], count=len(kept)))
        vocabularies.append(dict(logits=[float(x) for x in logits], prompt=prompt, answer=answer, cases=cases))
    path = pathlib.Path(__file__).with_name("cases.json")
    path.write_text(json.dumps(vocabularies, separators=(",", ":")) + "\n")


main()

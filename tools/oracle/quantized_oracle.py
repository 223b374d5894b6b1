"""Logits of a bundle's models by transformers on the dequantised weights, and how far the runtime is from them.

    quantized_oracle.py BUNDLE --tokens 1,2,3 [--lambda 0,0.5,1] [--logits FROM_DERA.npy]

For every λ (one aligned model) it prints the mean KL per position from the oracle with float activations to

    simulated  the oracle itself with the runtime's rounding: the input of every matrix of integer codes rounded to int8 in
               blocks of 32 (scale amax/127, ties to even), keys and values rounded to f16
    runtime    the logits in FROM_DERA.npy, as `dera logits --output` writes them, [λ, position, vocabulary]
"""

import argparse
import json
import sys

import numpy as np
import torch

from bundle import BLOCK_COLUMNS, Bundle, hugging_face_name


def round_activations(values):
    """float32 [..., width] through int8 codes of blocks of 32."""
    width = values.shape[-1]
    padded = torch.nn.functional.pad(values, (0, -width % BLOCK_COLUMNS))
    blocks = padded.unflatten(-1, (-1, BLOCK_COLUMNS))
    scale = blocks.abs().amax(-1, keepdim=True) / 127
    codes = torch.where(scale > 0, blocks / scale.where(scale > 0, 1.0), 0.0).round().clamp(-127, 127)
    return (codes * scale).flatten(-2)[..., :width]


def simulate_rounding(model, bundle, number):
    """Makes `model` round where the runtime rounds."""
    names = {n.removeprefix(f"a{number}.") for n in bundle.tensors}
    codecs = {hugging_face_name(n, bundle.architecture): bundle.tensors[bundle.name(n, number)][0]
              for n in names if not (n[0] == "a" and n[1].isdigit())}
    for name, module in model.named_modules():
        codec = codecs.get(f"{name}.weight", codecs["model.embed_tokens.weight"])
        if isinstance(module, torch.nn.Linear) and codec not in ("f16", "f32"):
            module.register_forward_pre_hook(lambda _, inputs: (round_activations(inputs[0]),))
    source = sys.modules[type(model).__module__]
    exact = source.eager_attention_forward

    def attention(module, query, key, value, *arguments, **options):
        return exact(module, query, key.half().float(), value.half().float(), *arguments, **options)

    source.eager_attention_forward = attention
    return lambda: setattr(source, "eager_attention_forward", exact)


@torch.no_grad()
def logits(bundle, number, tokens, simulated):
    """float32 [position, vocabulary]"""
    model = bundle.model(number)
    restore = simulate_rounding(model, bundle, number) if simulated else (lambda: None)
    try:
        return model(torch.tensor([tokens])).logits[0].double().numpy()
    finally:
        restore()


def kl(expected, actual):
    """KL(softmax expected ‖ softmax actual) per position, in nats."""
    def log_softmax(values):
        shifted = values - values.max(-1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    left, right = log_softmax(expected.astype(np.float64)), log_softmax(actual.astype(np.float64))
    return (np.exp(left) * (left - right)).sum(-1)


def blend(models, weight):
    if len(models) == 1:
        return models[0]
    return (1 - weight) * models[0] + weight * models[1]


def compare(bundle, tokens, lambdas, runtime=None):
    exact, simulated = (
        [logits(bundle, number, tokens, rounded) for number in range(min(2, len(bundle.models)))]
        for rounded in (False, True))
    report = []
    for index, weight in enumerate(lambdas):
        expected = blend(exact, weight)
        row = {"lambda": weight, "simulated": kl(expected, blend(simulated, weight)).mean()}
        if runtime is not None:
            row["runtime"] = kl(expected, runtime[index]).mean()
            row["ratio"] = row["runtime"] / row["simulated"] if row["simulated"] > 0 else None
            row["same best token"] = float((expected.argmax(-1) == runtime[index].argmax(-1)).mean())
        report.append(row)
    return report


def numbers(kind):
    return lambda text: [kind(part) for part in text.split(",")]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("--tokens", type=numbers(int), required=True)
    parser.add_argument("--lambda", dest="lambdas", type=numbers(float), default=[0.0])
    parser.add_argument("--logits")
    options = parser.parse_args()
    runtime = np.load(options.logits) if options.logits else None
    print(json.dumps(compare(Bundle(options.bundle), options.tokens, options.lambdas, runtime), indent=2))

"""The sampler's decoder against transformers: run with `python test_sampling.py`."""

import torch

from model import log_likelihoods, new_model
from sampling import Decoder, sample

SHAPE = {"hidden": 64, "layers": 2, "heads": 4, "kv_heads": 2, "intermediate": 96}


def test_logits_equal_transformers() -> None:
    model = new_model(SHAPE, vocabulary_size=96, context=64, seed=1).eval()
    ids = torch.randint(0, 96, (5, 20), generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        expected = model(input_ids=ids).logits
        decoder = Decoder(model, rows=5, limit=20)
        actual = torch.stack([decoder.step(ids[:, i]) for i in range(20)], 1)
    assert torch.allclose(actual, expected, atol=1e-5), (actual - expected).abs().max()


def test_log_probabilities_survive_dropped_rows() -> None:
    model = new_model(SHAPE, vocabulary_size=32, context=256, seed=1).eval()
    samples = sample([model], [1.0], [0], count=64, seed=3)
    assert len(samples.rows) + samples.unfinished == 64 and len(samples.rows) > 32
    expected = log_likelihoods(model, samples.rows)
    assert max(abs(expected - samples.log_probabilities)) < 1e-3


def test_blend_of_equal_models_is_the_model() -> None:
    model = new_model(SHAPE, vocabulary_size=32, context=256, seed=1).eval()
    one = sample([model], [1.0], [0], count=16, seed=4)
    two = sample([model, model], [0.5, 0.5], [0], count=16, seed=4)
    assert one.rows == two.rows


if __name__ == "__main__":
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            test()
            print(f"{name}: passed")

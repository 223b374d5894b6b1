"""Every number of the recipe, as data."""

from dataclasses import dataclass, field, replace

SHAPE = {"hidden": 128, "layers": 4, "heads": 4, "kv_heads": 2, "intermediate": 416}
SMOKE_SHAPE = {"hidden": 32, "layers": 2, "heads": 2, "kv_heads": 1, "intermediate": 64}


@dataclass(frozen=True)
class Aligned:
    """One aligned model: its reward and β, the model whose samples are reweighted, and the form it is stored in."""

    name: str
    reward: str
    beta: float
    proposal: str = "reference"
    stored: str = "checkpoint"


ALIGNED = (
    Aligned("brief", "brief", 0.2),
    Aligned("happy", "happy", 0.5),
    Aligned("brief-beta-0.8", "brief", 0.8, stored="difference"),
    Aligned("brief-beta-0.4", "brief", 0.4, stored="difference"),
    # The optima at small β lie far from the reference: they are reached in steps, to keep enough effective samples.
    Aligned("brief-beta-0.1", "brief", 0.1, proposal="brief", stored="difference"),
    Aligned("brief-beta-0.05", "brief", 0.05, proposal="brief-beta-0.1", stored="difference"),
)


@dataclass(frozen=True)
class Recipe:
    """Counts are stories, rates are AdamW peak learning rates. Seeds of the stages are `seed` + the stage's number."""

    seed: int = 20240202
    shape: dict = field(default_factory=lambda: SHAPE)
    vocabulary: int = 1536
    context: int = 512
    weight_decay: float = 0.01
    # Reference model: one pass over fresh stories; an early copy is kept after this fraction of the steps.
    stories: int = 44_000
    tokenizer_stories: int = 12_000
    batch_tokens: int = 1024
    rate: float = 4e-3
    early_fraction: float = 0.12
    # Aligned models: reweighted samples of the proposal, then draws of them to fit.
    reference_samples: int = 16_000
    proposal_samples: int = 8_000
    draws: int = 10_000
    align_batch_tokens: int = 4096
    align_rate: float = 3e-4
    # Measurements.
    held_out_stories: int = 500
    measured_samples: int = 1_500
    slider_samples: int = 300
    aligned: tuple[Aligned, ...] = ALIGNED


def smoke() -> Recipe:
    """The same stages at a size that takes seconds; what it writes is nonsense."""
    return replace(
        Recipe(), shape=SMOKE_SHAPE, vocabulary=512, stories=600, tokenizer_stories=600, reference_samples=64,
        proposal_samples=64, draws=64, held_out_stories=20, measured_samples=32, slider_samples=8,
    )

"""Every number of the recipe, as data."""

from dataclasses import dataclass, field, replace

SHAPE = {"hidden": 128, "layers": 4, "heads": 4, "kv_heads": 2, "intermediate": 416}
SMOKE_SHAPE = {"hidden": 32, "layers": 2, "heads": 2, "kv_heads": 1, "intermediate": 64}


@dataclass(frozen=True)
class Aligned:
    """One aligned model: its reward and β, and the form it is stored in."""

    name: str
    reward: str
    beta: float
    stored: str = "checkpoint"


ALIGNED = (
    Aligned("brief", "brief", 0.2),
    Aligned("happy", "happy", 0.5),
    Aligned("brief-beta-0.8", "brief", 0.8, stored="difference"),
    Aligned("brief-beta-0.4", "brief", 0.4, stored="difference"),
    Aligned("brief-beta-0.1", "brief", 0.1, stored="difference"),
    Aligned("brief-beta-0.05", "brief", 0.05, stored="difference"),
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
    # Aligned models: stories sampled from the reference, and the batch that fits them.
    reference_samples: int = 20_000
    draws: int = 10_000
    align_batch_tokens: int = 4096
    # A higher rate or more passes gains reward but strays from the optimum: KL(π ‖ π*) grows.
    align_rate: float = 3e-4
    # Measurements.
    held_out_stories: int = 500
    measured_samples: int = 1_000
    slider_samples: int = 300
    aligned: tuple[Aligned, ...] = ALIGNED


def smoke() -> Recipe:
    """The same stages at a size that takes seconds; what it writes is nonsense."""
    return replace(
        Recipe(), shape=SMOKE_SHAPE, vocabulary=512, stories=600, tokenizer_stories=600, reference_samples=64,
        held_out_stories=20, draws=64, measured_samples=32, slider_samples=8,
    )

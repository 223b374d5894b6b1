"""KL-regularised alignment to an exact reward by weighted maximum likelihood.

The optimum of  E_π[r] − β·KL(π ‖ π_ref)  is  π*(y) = π_ref(y)·exp(r(y)/β) / Z.  Stories y drawn from π_ref are
weighted by w(y) = exp(r(y)/β), normalised to sum 1, and the new model is fitted to them by maximum likelihood: the
projection of π* on the models. The same weights predict what the fitted model should show: E[r] = Σ w r, and
KL(π* ‖ π_ref) = E[r]/β − log Z with Z the mean weight. For any π, β·KL(π ‖ π*) is what its E[r] − β·KL lacks of
β·log Z, the optimum.
"""

from dataclasses import dataclass

import numpy as np
from transformers import LlamaForCausalLM

from model import log_likelihoods
from sampling import Samples


@dataclass
class Target:
    """The reweighted sample: normalised weights `[stories]`, and what they predict."""

    weights: np.ndarray
    effective_share: float
    reward: float
    kl: float


def tilt(rewards: np.ndarray, beta: float) -> Target:
    """Weights of the optimum at `beta` for samples of the reference."""
    logs = rewards / beta
    top = logs.max()
    unnormalised = np.exp(logs - top)
    log_z = top + np.log(unnormalised.mean())
    weights = unnormalised / unnormalised.sum()
    effective = 1 / (weights @ weights) / len(weights)
    mean_reward = float(weights @ rewards)
    return Target(weights, float(effective), mean_reward, float(mean_reward / beta - log_z))


def draw(weights: np.ndarray, count: int, seed: int) -> np.ndarray:
    """`count` indices drawn by `weights` with systematic resampling (lowest variance), then shuffled."""
    rng = np.random.default_rng(seed)
    points = (np.arange(count) + rng.random()) / count
    indices = np.searchsorted(np.cumsum(weights), points).clip(max=len(weights) - 1)
    return rng.permutation(indices)


def measure(samples: Samples, rewards: np.ndarray, reference: LlamaForCausalLM) -> dict[str, float]:
    """E[r] and KL(π ‖ π_ref) in nats per story of the model π the samples came from, with standard errors."""
    ratios = np.array(samples.log_probabilities) - log_likelihoods(reference, samples.rows)
    root = len(rewards) ** 0.5
    return {
        "reward": float(rewards.mean()),
        "reward_error": float(rewards.std() / root),
        "kl": float(ratios.mean()),
        "kl_error": float(ratios.std() / root),
    }

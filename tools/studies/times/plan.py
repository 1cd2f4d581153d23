"""The settings that are compared: the recipe `recommended` with one or two of its keys changed."""

from __future__ import annotations

from dataclasses import dataclass

from neuromf.config.load import load_config
from neuromf.config.schema import Config
from tools.studies.latent_training import SEEDS, SETTING

RECOMMENDED = ("time_sampling.data_proportion=0.75",)
"""The study's base has the share of `recommended`, for `smoke`, which it is trained with, has another."""
PUBLIC_TIMES = (
    "time_sampling.mu=-0.6",
    "time_sampling.sigma=1.6",
    "time_sampling.r_mu=-4.0",
    "time_sampling.r_sigma=1.6",
    "time_sampling.uniform_fraction=0.0",
)
"""Times of the public PyTorch code's second sampler (Gsunshine/py-meanflow): t around -0.6, r around -4."""


@dataclass(frozen=True)
class Arm:
    """One setting.

    Attributes:
        name: for the table.
        changes: overrides of the base.
    """

    name: str
    changes: tuple[str, ...]

    def config(self, seed: int) -> Config:
        """Its training on latents."""
        return load_config(["smoke"], [*SETTING, *RECOMMENDED, *self.changes, f"training.seed={seed}"])


def _arm(name: str, *, share: float = 0.75, uniform: float = 0.2, norm_p: float = 1.0) -> Arm:
    keys = {
        "time_sampling.data_proportion": (share, 0.75),
        "time_sampling.uniform_fraction": (uniform, 0.2),
        "meanflow.norm_p": (norm_p, 1.0),
    }
    return Arm(name, tuple(f"{key}={value}" for key, (value, base) in keys.items() if value != base))


ARMS = (
    _arm("recommended"),
    _arm("uniform 0", uniform=0.0),
    _arm("uniform 0.5", uniform=0.5),
    _arm("uniform 1", uniform=1.0),
    _arm("share 0.5", share=0.5),
    _arm("share 0.25", share=0.25),
    _arm("share 0.25, uniform 1", share=0.25, uniform=1.0),
    Arm("share 0.75, public times", PUBLIC_TIMES),
    Arm("share 0.25, public times", ("time_sampling.data_proportion=0.25", *PUBLIC_TIMES)),
    _arm("p 0.75", norm_p=0.75),
    _arm("p 0.5", norm_p=0.5),
    _arm("p 0", norm_p=0.0),
    Arm("sigma 1.6", ("time_sampling.sigma=1.6",)),
    Arm("sigma 1.6, share 0.25", ("time_sampling.sigma=1.6", "time_sampling.data_proportion=0.25")),
)
LONGER = tuple(
    Arm(f"{arm.name}, four times as long", (*arm.changes, "training.epochs=160"))
    for arm in ARMS
    if arm.name in ("recommended", "share 0.75, public times", "share 0.25, public times")
)
"""Whether what is learned sooner is learned better."""


def planned(*, longer: bool) -> list[tuple[str, int]]:
    """Setting and seed of each training: every setting with every seed, and the longer ones with the first."""
    found = [(arm.name, seed) for seed in SEEDS for arm in ARMS]
    return found + [(arm.name, SEEDS[0]) for arm in LONGER] if longer else found

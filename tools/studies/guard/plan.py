"""Which real trainings are done: a balanced draw of healthy configurations, and the failed run's settings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuromf.config.load import load_config
from neuromf.config.schema import Config
from neuromf.golden.case import SMALL
from neuromf.monitor.guard.guard import BLOCK

STEPS = 420
"""Of each training: 14 of the guard's blocks; on the last three the cumulative sums have a best level to compare with.
What they do on longer trainings is asked of those that `neuromf replay --train` keeps."""
HEALTHY, EXPLODING = 60, 12
PLAN_SEED = 20_251_125
"""Of the draw of healthy configurations."""

_PLANNED = (
    "unet.channels",
    "unet.head_channels",
    "unet.attention_levels",
    "training.gradient_accumulation_steps",
    "training.micro_batches_per_epoch",
)
_SIZE = (
    *(change for change in SMALL if not change.startswith(_PLANNED)),
    "unet.channels=[4,8]",
    "unet.head_channels=4",
    "unet.attention_levels=[false,false]",
    "training.monitors=false",
    "training.checkpoint_every_steps=1000",
    "training.divergence_threshold=100.0",
)
"""A golden case's latents of 4 x 8^3, a net of half its width without attention. The guard judges the record, not the
run."""

FACTORS: tuple[tuple[tuple[str, ...], ...], ...] = (
    (("meanflow.prediction=u",), ("meanflow.prediction=x",)),
    tuple((f"meanflow.tangent={tangent}",) for tangent in ("model", "conditional", "v_head")),
    tuple((f"time_sampling.data_proportion={share}",) for share in (0.25, 0.5, 0.75)),
    (
        ("meanflow.reduction=mean", "meanflow.norm_eps=1.0"),
        ("meanflow.reduction=mean", "meanflow.norm_eps=0.01"),
        ("meanflow.reduction=sum", "meanflow.norm_eps=0.01"),
    ),
    (("meanflow.loss_terms=single",), ("meanflow.loss_terms=dual",)),
    (
        ("training.lr_schedule=constant", "training.warmup_steps=0"),
        ("training.lr_schedule=cosine", "training.warmup_steps=20"),
        ("training.lr_schedule=linear", "training.warmup_steps=40"),
    ),
    (("training.batch_size_per_gpu=4",), ("training.batch_size_per_gpu=8",)),
    tuple((f"training.gradient_accumulation_steps={steps}",) for steps in (*[1] * 9, 2)),
    tuple((f"training.learning_rate={rate}",) for rate in (0.0003, 0.001, 0.003)),
)
"""Levels of each factor; exact derivatives in float32 at a time scale of 1 are what makes every mixture healthy."""
RATES = (0.001, 0.003, 0.01)
"""At which the failed run's settings explode within `STEPS`, 74 % of which are warm-up, as in the failed run."""


@dataclass(frozen=True)
class Training:
    """One real training.

    Attributes:
        kind: `healthy` or `exploding`, by its configuration.
        seed: of weights and batches; unique among its kind.
        overrides: what is changed in `recipe` beside the size, blank-separated as typed after `--set`.
    """

    kind: str
    seed: int
    overrides: str

    @property
    def name(self) -> str:
        """A word for file names."""
        return f"{self.kind}{self.seed}"

    @property
    def config(self) -> Config:
        """The configuration that is trained."""
        recipe = "smoke" if self.kind == "healthy" else "failed_225"
        changes = (*_SIZE, *self.overrides.split(), f"training.seed={self.seed}")
        accumulated = 2 if "training.gradient_accumulation_steps=2" in changes else 1
        # An epoch is one of the guard's blocks.
        length = (f"training.epochs={STEPS // BLOCK}", f"training.micro_batches_per_epoch={BLOCK * accumulated}")
        return load_config([recipe], [*changes, *length])


def trainings() -> list[Training]:
    """All trainings of the study, in the order of their table."""
    generator = np.random.default_rng(PLAN_SEED)
    columns = [
        [levels[index] for index in generator.permutation(np.arange(HEALTHY) % len(levels))] for levels in FACTORS
    ]
    rows = [" ".join(change for level in levels for change in level) for levels in zip(*columns, strict=True)]
    healthy = [Training("healthy", seed, overrides) for seed, overrides in enumerate(rows)]
    return healthy + [Training("exploding", seed, _failed(RATES[seed % len(RATES)])) for seed in range(EXPLODING)]


def _failed(rate: float) -> str:
    warmup = round(STEPS * 5_000 / 6_750)
    changes = ("training.batch_size_per_gpu=8", "training.gradient_accumulation_steps=1")
    return " ".join((*changes, f"training.learning_rate={rate}", f"training.warmup_steps={warmup}"))

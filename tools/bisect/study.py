"""A bisect that is to be done: both ends at their scale, the oracle, and the task of each probe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neuromf.config.load import load_config, validate
from neuromf.config.resolve import config_hash, flat_config
from neuromf.config.schema import Config
from tools.bisect.deltas import Differences, find_differences
from tools.bisect.mixtures import nested
from tools.bisect.oracle import Probe
from tools.bisect.oracles.table import oracle_kind
from tools.bisect.oracles.task import Task
from tools.replay.small_scale import SMALL

EPOCHS = 16
"""Length of the bad run at small scale: 480 micro-batches, 15 to 27 s on a core. The failed run's MF loss is then 1,900
times its FM loss, the corrected one's as large; with the exact derivative alone or a time scale of 1 alone it is 16 to
280 times (eight trainings of three seeds)."""
SEEDS_APART = 1_000
"""Distance of the first seeds of two repeats."""


@dataclass(frozen=True, kw_only=True)
class Study:
    """One bisect.

    Attributes:
        good: the configuration that trains, at the scale of the probes.
        bad: the one that breaks.
        differences: their deltas.
        oracle: as it was named.
        micro_batches: of each probe: all of the bad run's.
        repeats: trainings of each end in the calibration.
        seed: of the first probe.
        device: of the probes.
    """

    good: Config
    bad: Config
    differences: Differences
    oracle: str
    micro_batches: int
    repeats: int
    seed: int
    device: str | None

    @property
    def names(self) -> tuple[str, ...]:
        """Keys of each delta."""
        return tuple(delta.name for delta in self.differences.deltas)

    @property
    def full(self) -> int:
        """All deltas, as bits."""
        return (1 << len(self.names)) - 1

    def question(self) -> dict[str, Any]:
        """What a journal must agree in to be this bisect's."""
        return {
            "good": config_hash(self.good), "bad": config_hash(self.bad), "deltas": list(self.names),
            "oracle": self.oracle, "micro_batches": self.micro_batches, "repeats": self.repeats, "seed": self.seed,
        }  # fmt: skip

    def task(self, probe: Probe) -> Task:
        """What a worker is given for a probe."""
        return Task(
            oracle=self.oracle,
            config=flat_config(self.differences.mixtures.config(probe.subset)),
            good=flat_config(self.good),
            seed=probe.seed,
            micro_batches=self.micro_batches,
            device=self.device,
        )


def make_study(
    good: str, bad: str, oracle: str, *, repeats: int = 5, seed: int = 0, epochs: int = EPOCHS, full_scale: bool = False
) -> Study:
    """Read both configurations and bring them to the scale of the probes.

    Args:
        good: recipe or file of the run that trains.
        bad: of the one that breaks.
        oracle: its name.
        repeats: trainings of each end in the calibration.
        seed: number of this repeat of the bisect.
        epochs: length of the bad run at small scale.
        full_scale: leave them as they are.

    Raises:
        InputError: an unreadable configuration, an unknown oracle, or two that cannot be bisected.
    """
    small = oracle_kind(oracle).trains(oracle.partition(":")[2]) and not full_scale
    ends = tuple(load_config([layer], SMALL if small else ()) for layer in (good, bad))
    if small:
        share = epochs / ends[1].training.epochs
        ends = tuple(_shortened(config, share) for config in ends)
    length = ends[1].training
    return Study(
        good=ends[0], bad=ends[1], differences=find_differences(*ends), oracle=oracle,
        micro_batches=length.epochs * length.micro_batches_per_epoch, repeats=repeats, seed=SEEDS_APART * seed,
        device=None if full_scale else "cpu",
    )  # fmt: skip


def _shortened(config: Config, share: float) -> Config:
    """A run of `share` of its epochs, warmed up for the same share of its steps."""
    training = config.training
    flat = flat_config(config)
    flat["training.epochs"] = max(1, round(share * training.epochs))
    flat["training.warmup_steps"] = round(share * training.warmup_steps)
    return validate(nested(flat))

"""A bisect that is to be done: both ends at their scale, the oracle, and the task of each probe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neuromf.bisect.deltas import Differences, find_differences
from neuromf.bisect.oracle import Probe
from neuromf.bisect.oracles.table import oracle_kind
from neuromf.bisect.oracles.task import Task
from neuromf.bisect.scale import EPOCHS, full_ends, small_ends
from neuromf.config.resolve import config_hash, flat_config
from neuromf.config.schema import Config

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
        hidden: keys that differ at full scale and not at that of the probes.
    """

    good: Config
    bad: Config
    differences: Differences
    oracle: str
    micro_batches: int
    repeats: int
    seed: int
    device: str | None
    hidden: tuple[str, ...] = ()

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
        """What a worker is given for a probe; the good run itself is compared with one of another seed."""
        return Task(
            oracle=self.oracle,
            config=flat_config(self.differences.mixtures.config(probe.subset)),
            good=flat_config(self.good),
            seed=probe.seed,
            micro_batches=self.micro_batches,
            device=self.device,
            reference_seed=None if probe.subset else probe.seed + SEEDS_APART // 2,
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
    ends = small_ends(good, bad, epochs) if small else full_ends(good, bad)
    length = ends.bad.training
    return Study(
        good=ends.good, bad=ends.bad, differences=find_differences(ends.good, ends.bad, ends.hidden), oracle=oracle,
        micro_batches=length.epochs * length.micro_batches_per_epoch, repeats=repeats, seed=SEEDS_APART * seed,
        device=None if full_scale else "cpu", hidden=ends.hidden,
    )  # fmt: skip

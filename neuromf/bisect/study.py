"""The two configurations of a bisect, brought to the scale at which its probes train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neuromf.bisect.deltas import Differences, differing_keys, find_differences
from neuromf.bisect.oracle import Probe, Task
from neuromf.bisect.oracle_kinds import oracle_kind
from neuromf.config.load import load_config, validate
from neuromf.config.resolve import config_hash, flat_config, unflatten
from neuromf.config.schema import Config
from neuromf.replay.small_scale import SMALL

RATE = "training.learning_rate"
EPOCHS = 16
"""Length of the bad run at small scale: 480 micro-batches, 15 to 27 s on a core. The failed run's MF loss is then 1,900
times its FM loss, the corrected one's as large; with the exact derivative alone or a time scale of 1 alone it is 16 to
280 times (eight trainings of three seeds)."""


@dataclass(frozen=True, kw_only=True)
class Ends:
    """The two configurations of a bisect.

    Attributes:
        good: the one that trains, at the scale of the probes.
        bad: the one that breaks.
        hidden: keys that differ at full scale and are made equal by that of the probes.
    """

    good: Config
    bad: Config
    hidden: tuple[str, ...] = ()


def full_ends(good: str, bad: str) -> Ends:
    """Both configurations as they are.

    Args:
        good: recipe or file of the run that trains.
        bad: of the one that breaks.

    Raises:
        InputError: one cannot be read.
    """
    return Ends(good=load_config([good]), bad=load_config([bad]))


def small_ends(good: str, bad: str, epochs: int = EPOCHS) -> Ends:
    """Both configurations at small scale, the bad run of `epochs` epochs.

    The small net has its own learning rate; the ratio of the bad run's rate to the good run's is that of full scale.
    Differences in other keys that the scale fixes are lost, and are listed in `Ends.hidden`.

    Args:
        good: recipe or file of the run that trains.
        bad: of the one that breaks.
        epochs: length of the bad run.

    Raises:
        InputError: one cannot be read, or its values do not fit the scale.
    """
    full = full_ends(good, bad)
    share = epochs / full.bad.training.epochs
    factor = full.bad.training.learning_rate / full.good.training.learning_rate
    small = Ends(good=_small(good, share), bad=_small(bad, share, factor))
    shown = set(differing_keys(small.good, small.bad))
    hidden = tuple(key for key in differing_keys(full.good, full.bad) if key not in shown)
    return Ends(good=small.good, bad=small.bad, hidden=hidden)


def _small(layer: str, share: float, factor: float = 1.0) -> Config:
    """A small run of `share` of its epochs, warmed up for the same share of its steps, at `factor` times the rate."""
    config = load_config([layer], SMALL)
    training = config.training
    flat = flat_config(config)
    flat["training.epochs"] = max(1, round(share * training.epochs))
    flat["training.warmup_steps"] = round(share * training.warmup_steps)
    flat[RATE] = factor * training.learning_rate
    return validate(unflatten(flat))


SEEDS_APART = 1_000
"""Distance of the first seeds of two repeats."""


@dataclass(frozen=True, kw_only=True)
class BisectStudy:
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
    device: str
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
    good: str,
    bad: str,
    oracle: str,
    *,
    repeats: int = 5,
    seed: int = 0,
    epochs: int = EPOCHS,
    full_scale: bool = False,
    device: str = "cpu",
) -> BisectStudy:
    """Read both configurations and bring them to the scale of the probes.

    Args:
        good: recipe or file of the run that trains.
        bad: of the one that breaks.
        oracle: its name.
        repeats: trainings of each end in the calibration.
        seed: number of this repeat of the bisect.
        epochs: length of the bad run at small scale.
        full_scale: leave them as they are.
        device: of the probes, each of which must have it.

    Raises:
        InputError: an unreadable configuration, an unknown oracle, or two that cannot be bisected.
    """
    small = oracle_kind(oracle).trains(oracle.partition(":")[2]) and not full_scale
    ends = small_ends(good, bad, epochs) if small else full_ends(good, bad)
    length = ends.bad.training
    return BisectStudy(
        good=ends.good, bad=ends.bad, differences=find_differences(ends.good, ends.bad, ends.hidden), oracle=oracle,
        micro_batches=length.epochs * length.micro_batches_per_epoch, repeats=repeats, seed=SEEDS_APART * seed,
        device=device, hidden=ends.hidden,
    )  # fmt: skip

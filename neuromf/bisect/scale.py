"""Both ends of a bisect at the scale of its probes, and the keys whose difference that scale hides."""

from __future__ import annotations

from dataclasses import dataclass

from neuromf.bisect.deltas import differing_keys
from neuromf.bisect.mixtures import nested
from neuromf.config.load import load_config, validate
from neuromf.config.resolve import flat_config
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

    The small net has a learning rate of its own; the bad run's is as many times the good run's there as at full scale.
    What else the scale fixes cannot be carried over, and is named instead.

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
    return validate(nested(flat))

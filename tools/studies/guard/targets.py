"""What the guard has to reach, judged on the rows of a study."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from tools.studies.guard.curves import CLIMBING
from tools.studies.guard.epochs import first_epochs, first_steps, halts, spread
from tools.studies.guard.noise import NOISES, SILENT
from tools.studies.guard.rules import LONGER, REAL, SIMULATED
from tools.studies.guard.simulate import curves
from tools.studies.guard.store import GuardStudy

FAILED = ("failed_225", CLIMBING)
"""The failed run, with what is unknown of its first epochs held at the first record, and climbing to it."""
WARNED_BY = 24
"""First recorded epoch of the failed run."""
HALTED_BY = 125
"""Of its 225 epochs."""
USEFUL_UNTIL = 120
"""Epoch before which the public code's next run must go on: it made its best samples at 125 to 175."""


@dataclass(frozen=True)
class Target:
    """One target.

    Attributes:
        words: what is asked.
        found: the number it is judged by, as text.
        met: whether it is reached.
    """

    words: str
    found: str
    met: bool


def targets(study: GuardStudy) -> list[Target]:
    """All targets, judged."""
    healthy = study.simulated[study.simulated["curve"].isin([c.name for c in curves() if c.healthy])]
    real, exploding = (study.real[study.real["kind"] == kind] for kind in ("healthy", "exploding"))
    longer, gone = (study.longer[study.longer["kind"] == kind] for kind in ("healthy", "exploding"))
    return [
        _none("no healthy simulated run is halted", healthy, halts(SIMULATED)),
        _none("no healthy simulated run is warned of, base noise", healthy[healthy["noise"] == "base"], SIMULATED),
        _none("no healthy training is halted", real, halts(REAL)),
        _none("no healthy training is warned of", real, REAL),
        _none("no healthy longer training is warned of or halted", longer, LONGER),
        _warned(study),
        _halted(study),
        _spared(_of(study, "public_v1", "base")),
        _every("every exploding training is noticed", exploding, REAL),
        _every("every exploding longer training is halted", gone, halts(LONGER)),
        _named(real, exploding),
    ]


def _of(study: GuardStudy, curve: str, noise: str) -> pd.DataFrame:
    return study.simulated[(study.simulated["curve"] == curve) & (study.simulated["noise"] == noise)]


def _none(words: str, rows: pd.DataFrame, rules: list[str] | tuple[str, ...]) -> Target:
    count = int(np.isfinite(first_steps(rows, rules)).sum())
    return Target(words, f"{count} of {len(rows):,}", count == 0)


def _warned(study: GuardStudy) -> Target:
    """The median run, for what noise does to single ones is in the table; first levels held, and climbing."""
    noises = (SILENT.name, NOISES[0].name)
    found = [spread(first_epochs(_of(study, name, noise), SIMULATED)).median for name in FAILED for noise in noises]
    words = f"failed_225 is warned of by epoch {WARNED_BY}: without noise, base noise, median; the same from its start"
    return Target(words, _epochs(found), max(found) <= WARNED_BY)


def _halted(study: GuardStudy) -> Target:
    rows = [_of(study, name, noise.name) for name in FAILED for noise in NOISES]
    found = [spread(first_epochs(one, halts(SIMULATED))).late for one in rows]
    words = f"failed_225 is halted by epoch {HALTED_BY} of 225: each noise, 95 % of runs; the same from its start"
    return Target(words, _epochs(found), max(found) <= HALTED_BY)


def _epochs(found: list[float]) -> str:
    return "epochs " + ", ".join(f"{epoch:g}" for epoch in found)


def _spared(rows: pd.DataFrame) -> Target:
    early = float(first_epochs(rows, halts(SIMULATED)).min())
    words = f"public_v1 is not halted before epoch {USEFUL_UNTIL}, base noise, any run"
    return Target(words, f"epoch {early:g}", early >= USEFUL_UNTIL)


def _every(words: str, rows: pd.DataFrame, rules: list[str] | tuple[str, ...]) -> Target:
    count = int(np.isfinite(first_steps(rows, rules)).sum())
    return Target(words, f"{count} of {len(rows)}", count == len(rows))


def _named(healthy: pd.DataFrame, exploding: pd.DataFrame) -> Target:
    highest, lowest = healthy["last_level"].max(), exploding["largest_ratio"].min()
    found = f"healthy end at most at {highest:.2g} x predicting nothing; exploding reach {lowest:.3g} x MF / FM"
    return Target("the trainings are what they are called", found, bool(highest < 1 and lowest > 10))

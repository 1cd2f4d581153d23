"""The oracle's error rates from runs of both ends, and the refusal of ends that it cannot tell apart."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.stats import fisher_exact

from neuromf.bisect.oracle import Observation, Probe, Purpose, Verdict
from neuromf.bisect.posterior import Rates
from neuromf.errors import InputError

SEPARATED = 0.05
"""Largest p of Fisher's one-sided exact test at which the ends count as told apart: 4 of 5 against 0 of 5 has 0.024,
4 of 5 against 1 of 5 has 0.10."""
ROUNDING = 1e-9
"""Relative error of that p at most: 3 of 3 against 0 of 3 has 1 in 20 exactly, which comes out as 0.05 + 7e-18."""
REMEDY = "train longer, choose another oracle, or check that the bad configuration breaks at this scale at all"


def calibration_probes(full: int, seed: int, repeats: int = 5) -> list[Probe]:
    """The first probes of a bisect: both ends, in turn, `repeats` times each."""
    return [
        Probe(index=index, subset=full * (index % 2), seed=seed + index, purpose=Purpose.CALIBRATE)
        for index in range(2 * repeats)
    ]


def calibrate(observations: Iterable[Observation], full: int) -> Rates:
    """Error rates from the calibration probes among `observations`.

    Each rate is the mean of its posterior after Jeffreys' prior Beta(1/2, 1/2): five of five leave 0.083, not zero.

    Args:
        observations: probes of the good run (no delta) and of the bad run (`full`); others are left aside.
        full: all deltas, as bits.

    Raises:
        InputError: an end has no decided run, or the two do not separate.
    """
    ends = [o for o in observations if o.probe.purpose is Purpose.CALIBRATE]
    counts = {(subset, verdict): 0 for subset in (0, full) for verdict in Verdict}
    for o in ends:
        if (o.probe.subset, o.outcome.verdict) in counts:
            counts[o.probe.subset, o.outcome.verdict] += 1
    good = (counts[0, Verdict.BROKEN], counts[0, Verdict.HEALTHY])
    bad = (counts[full, Verdict.BROKEN], counts[full, Verdict.HEALTHY])
    _refuse_unseparated(good, bad)
    return Rates((bad[1] + 0.5) / (sum(bad) + 1), (good[0] + 0.5) / (sum(good) + 1))


def _refuse_unseparated(good: tuple[int, int], bad: tuple[int, int]) -> None:
    for name, end in (("good", good), ("bad", bad)):
        if not sum(end):
            raise InputError(f"no run of the {name} end was decided", remedy=REMEDY, key="calibration")
    p = float(fisher_exact(np.array([bad, good]), alternative="greater").pvalue)
    if not p <= SEPARATED * (1 + ROUNDING):
        said = f"{bad[0]} of {sum(bad)} runs of the bad end broke and {good[0]} of {sum(good)} of the good end"
        raise InputError(f"{said} (p = {p:.2g}): the ends do not separate", remedy=REMEDY, key="calibration")

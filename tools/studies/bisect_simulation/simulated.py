"""An oracle whose causes are known, with the noise model of `posterior.py`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuromf.bisect.hypotheses import contains
from neuromf.bisect.oracle import Probe, ProbeOutcome, ProbeVerdict
from neuromf.bisect.posterior import Rates


@dataclass(frozen=True, kw_only=True)
class SimulatedOracle:
    """Breaks when any of its causes is in the subset, and errs.

    Attributes:
        causes: minimal causes as bits; none for a run that nothing breaks.
        rates: how often it errs.
        seed: of its noise. An answer depends on it and on the probe alone, whatever was asked before.
    """

    causes: tuple[int, ...]
    rates: Rates
    seed: int = 0

    def __call__(self, probe: Probe) -> ProbeOutcome:
        """Answer one probe."""
        return ProbeOutcome(
            ProbeVerdict.BROKEN if self.breaks(probe.subset, probe.seed) else ProbeVerdict.HEALTHY, cost=1.0
        )

    def breaks(self, subset: int, seed: int) -> bool:
        """Whether this training is judged broken."""
        hit = any(contains(subset, cause) for cause in self.causes)
        share = 1 - self.rates.false_negative if hit else self.rates.false_positive
        draw = np.random.Generator(np.random.Philox(key=[self.seed, subset], counter=[seed, 0, 0, 0])).random()
        return bool(draw < share)

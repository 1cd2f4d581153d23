"""The simulated breakages on which the bisect and its rivals are compared."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from neuromf.bisect.hypotheses import members, minimal, subset_of
from neuromf.bisect.posterior import Rates
from tools.studies.bisect_simulation.simulated import SimulatedOracle

DELTAS = 12
"""As many as the review of the failed run lists."""
SUSPECT = 3.0
"""Prior weight of a delta that a law blames, as `blame.py` gives it."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A kind of breakage.

    Attributes:
        name: a word for tables and file names.
        says: the same for readers.
        sizes: deltas of each independent cause; none when nothing breaks the run.
        rates: the oracle's true error rates; the engine always believes 10 % and 5 %.
        blamed: whom the laws blame beforehand: nobody, the causes and as many others, or as many others alone.
    """

    name: str
    says: str
    sizes: tuple[int, ...]
    rates: Rates = field(default_factory=Rates)
    blamed: str = "nobody"


SCENARIOS = (
    Scenario(name="k1", says="one cause of 1 delta", sizes=(1,)),
    Scenario(name="k2", says="one cause of 2", sizes=(2,)),
    Scenario(name="k3", says="one cause of 3", sizes=(3,)),
    Scenario(name="k4", says="one cause of 4", sizes=(4,)),
    Scenario(name="or11", says="two causes of 1", sizes=(1, 1)),
    Scenario(name="or12", says="causes of 1 and 2", sizes=(1, 2)),
    Scenario(name="or13", says="causes of 1 and 3", sizes=(1, 3)),
    Scenario(name="or22", says="two causes of 2", sizes=(2, 2)),
    Scenario(name="or23", says="causes of 2 and 3", sizes=(2, 3)),
    Scenario(name="or111", says="three causes of 1", sizes=(1, 1, 1)),
    Scenario(name="none", says="no culprit", sizes=()),
    Scenario(name="k3_blamed", says="3, laws blame them and 3 others", sizes=(3,), blamed="causes"),
    Scenario(name="k3_misled", says="3, laws blame 3 others", sizes=(3,), blamed="others"),
    Scenario(name="k3_noisy", says="3, FN 20 % taken for 10 %", sizes=(3,), rates=Rates(0.20, 0.05)),
    Scenario(name="k3_exact", says="3, no noise, taken for 10 % and 5 %", sizes=(3,), rates=Rates(0.0, 0.0)),
)


@dataclass(frozen=True)
class Instance:
    """One drawn breakage.

    Attributes:
        causes: the truth, each cause as bits, rising.
        weights: prior weights that the engine is given.
        oracle: answers with the scenario's noise.
    """

    causes: tuple[int, ...]
    weights: tuple[float, ...]
    oracle: SimulatedOracle


def draw(scenario: Scenario, trial: int, deltas: int = DELTAS) -> Instance:
    """Draw causes of which none contains another, from the scenario's sizes and the trial's number alone."""
    random = np.random.default_rng([trial, *scenario.sizes])
    while True:
        drawn = [subset_of(int(i) for i in random.choice(deltas, size, replace=False)) for size in scenario.sizes]
        if len(minimal(drawn)) == len(drawn):
            break
    oracle = SimulatedOracle(causes=tuple(drawn), rates=scenario.rates, seed=trial)
    return Instance(tuple(sorted(drawn)), _weights(scenario, drawn, deltas, random), oracle)


def _weights(scenario: Scenario, causes: list[int], deltas: int, random: np.random.Generator) -> tuple[float, ...]:
    if scenario.blamed == "nobody":
        return (1.0,) * deltas
    guilty = {i for cause in causes for i in members(cause)}
    innocent = [i for i in range(deltas) if i not in guilty]
    blamed = {int(i) for i in random.choice(innocent, len(guilty), replace=False)}
    blamed |= guilty if scenario.blamed == "causes" else set()
    return tuple(SUSPECT if i in blamed else 1.0 for i in range(deltas))

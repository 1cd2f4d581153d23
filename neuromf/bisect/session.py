"""The loop of a bisect: calibrate the oracle on the good and the bad run, then run probes until there is an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import fisher_exact

from neuromf.bisect.engine import Engine, SearchProgress
from neuromf.bisect.executor import Executor, IndexedTask
from neuromf.bisect.journal import ProbeJournal
from neuromf.bisect.oracle import Observation, Probe, ProbePurpose, ProbeVerdict
from neuromf.bisect.posterior import Rates
from neuromf.bisect.question import Conclusion, Question
from neuromf.bisect.study import BisectStudy
from neuromf.errors import InputError

SEPARATED = 0.05
"""Largest p of Fisher's one-sided exact test at which the ends count as different: 4 of 5 against 0 of 5 has 0.024,
4 of 5 against 1 of 5 has 0.10."""
ROUNDING = 1e-9
"""Relative error of that p at most: 3 of 3 against 0 of 3 has 1 in 20 exactly, which comes out as 0.05 + 7e-18."""
REMEDY = "train longer, choose another oracle, or check that the bad configuration breaks at this scale at all"


def calibration_probes(full: int, seed: int, repeats: int = 5) -> list[Probe]:
    """The first probes of a bisect: both ends, in turn, `repeats` times each."""
    return [
        Probe(index=index, subset=full * (index % 2), seed=seed + index, purpose=ProbePurpose.CALIBRATE)
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
    ends = [o for o in observations if o.probe.purpose is ProbePurpose.CALIBRATE]
    counts = {(subset, verdict): 0 for subset in (0, full) for verdict in ProbeVerdict}
    for o in ends:
        if (o.probe.subset, o.outcome.verdict) in counts:
            counts[o.probe.subset, o.outcome.verdict] += 1
    good = (counts[0, ProbeVerdict.BROKEN], counts[0, ProbeVerdict.HEALTHY])
    bad = (counts[full, ProbeVerdict.BROKEN], counts[full, ProbeVerdict.HEALTHY])
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


@dataclass(frozen=True)
class Ended:
    """A probe that has ended, and where the bisect stands then.

    Attributes:
        observation: the probe and its outcome.
        progress: of the search; None while the ends are calibrated.
        finished: probes that have ended so far.
    """

    observation: Observation
    progress: SearchProgress | None
    finished: int


@dataclass(frozen=True)
class Finished:
    """The end of a bisect.

    Attributes:
        conclusion: the answer.
        rates: error rates of the oracle, as calibrated.
        observations: all probes.
    """

    conclusion: Conclusion
    rates: Rates
    observations: list[Observation]


@dataclass(kw_only=True)
class Session:
    """One run of a bisect, from the journal as it stands to the answer.

    Attributes:
        study: what is bisected.
        executor: runs the probes.
        journal: open journal of the study's question.
        budget: probes, those of the calibration not counted.
        on_answer: called with each probe that ends.
    """

    study: BisectStudy
    executor: Executor
    journal: ProbeJournal
    budget: int = 200
    on_answer: Callable[[Ended], None] = field(default=lambda _: None)
    _engine: Engine | None = None

    def run(self) -> Finished:
        """Calibrate both ends, then bisect.

        Raises:
            InputError: the ends do not separate, or a probe failed for a reason that the user must correct.
        """
        study = self.study
        self.executor.submit([IndexedTask(probe.index, study.task(probe)) for probe in self.journal.pending])
        self._calibrate()
        rates = calibrate(self.journal.observations, study.full)
        testable = study.differences.mixtures.testable
        question = Question(
            weights=study.differences.weights, rates=rates, testable=testable, budget=self.budget, seed=study.seed
        )
        self._engine = engine = Engine(question)
        while True:
            running = self.journal.pending
            step = engine.next_probes(self.journal.observations, running, self.executor.size - len(running))
            if isinstance(step, Conclusion):
                return Finished(step, rates, self.journal.observations)
            self._start(step)
            self._collect()

    def _calibrate(self) -> None:
        ends = calibration_probes(self.study.full, self.study.seed, self.study.repeats)
        known = {o.probe.index for o in self.journal.observations} | {probe.index for probe in self.journal.pending}
        self._start([probe for probe in ends if probe.index not in known])
        while {probe.index for probe in ends} & {probe.index for probe in self.journal.pending}:
            self._collect()

    def _start(self, probes: Sequence[Probe]) -> None:
        for probe in probes:
            self.journal.start(probe)
        self.executor.submit([IndexedTask(probe.index, self.study.task(probe)) for probe in probes])

    def _collect(self) -> None:
        """Wait for answers and note them."""
        running = {probe.index: probe for probe in self.journal.pending}
        for answer in self.executor.wait():
            probe = running[answer.number]
            self.journal.finish(probe, answer.outcome)
            observations = self.journal.observations
            progress = self._engine.progress(observations) if self._engine is not None else None
            self.on_answer(Ended(Observation(probe, answer.outcome), progress, len(observations)))

"""A bisect with a fleet: calibration first, then the engine's probes, all of it kept in the journal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from neuromf.bisect.calibration import calibrate, calibration_probes
from neuromf.bisect.engine import Engine, Progress
from neuromf.bisect.fleet.fleet import Fleet, Numbered
from neuromf.bisect.journal import Journal
from neuromf.bisect.oracle import Observation, Probe
from neuromf.bisect.posterior import Rates
from neuromf.bisect.question import Conclusion, Question
from neuromf.bisect.study import Study


@dataclass(frozen=True)
class Ended:
    """A probe that has ended, and where the bisect stands then.

    Attributes:
        observation: the probe and its outcome.
        progress: of the search; None while the ends are calibrated.
        finished: probes that have ended so far.
    """

    observation: Observation
    progress: Progress | None
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
        fleet: what answers.
        journal: open journal of the study's question.
        budget: probes, those of the calibration not counted.
        tell: called with each probe that ends.
    """

    study: Study
    fleet: Fleet
    journal: Journal
    budget: int = 200
    tell: Callable[[Ended], None] = field(default=lambda _: None)
    _engine: Engine | None = None

    def run(self) -> Finished:
        """Calibrate both ends, then bisect.

        Raises:
            InputError: the ends do not separate, or a probe says what the user must mend.
        """
        study = self.study
        self.fleet.submit([Numbered(probe.index, study.task(probe)) for probe in self.journal.pending])
        self._calibrate()
        rates = calibrate(self.journal.observations, study.full)
        testable = study.differences.mixtures.testable
        question = Question(
            weights=study.differences.weights, rates=rates, testable=testable, budget=self.budget, seed=study.seed
        )
        self._engine = engine = Engine(question)
        while True:
            running = self.journal.pending
            step = engine.next_probes(self.journal.observations, running, self.fleet.size - len(running))
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
        self.fleet.submit([Numbered(probe.index, self.study.task(probe)) for probe in probes])

    def _collect(self) -> None:
        """Wait for answers and note them."""
        running = {probe.index: probe for probe in self.journal.pending}
        for answer in self.fleet.wait():
            probe = running[answer.number]
            self.journal.finish(probe, answer.outcome)
            observations = self.journal.observations
            progress = self._engine.progress(observations) if self._engine is not None else None
            self.tell(Ended(Observation(probe, answer.outcome), progress, len(observations)))

"""What an evaluation found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from neuromf.evaluation.metrics.bootstrap import Interval


class Judged(StrEnum):
    """What a law says of samples."""

    HOLDS = "holds"
    BROKEN = "broken"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class LawVerdict:
    """A law's verdict on samples.

    Attributes:
        law_id: id of the law.
        title: the law in a few words.
        judged: what it says.
        evaluations: network evaluations of the samples that are judged.
        found: the number with its interval, in words.
        bound: what it is held to.
        detail: what it means.
        remedy: what to do where it is broken; empty otherwise.
    """

    law_id: str
    title: str
    judged: Judged
    evaluations: int
    found: str
    bound: str
    detail: str
    remedy: str


@dataclass(frozen=True)
class MeasuredRow:
    """The measures of some samples, or of what they are compared with.

    Attributes:
        name: as a table shows it.
        evaluations: network evaluations a sample; None for real scans and the mean image.
        measures: by key, see `metrics.catalogue`; those that were not taken are missing.
    """

    name: str
    evaluations: int | None
    measures: dict[str, Interval]


@dataclass(frozen=True)
class SampleEvaluation:
    """What an evaluation found.

    Attributes:
        run: the run's folder.
        weights: which weights were evaluated.
        step: their optimiser step.
        count: samples for each number of evaluations.
        seed: of noise, choice and resamples.
        splits: whose scans were held out.
        held_out_scans: number of scans.
        held_out_subjects: number of subjects.
        training_scans: number of scans of the training split.
        networks: that gave the features, slices first.
        rows: samples by rising number of evaluations, then real training scans, then the mean image.
        verdicts: by law.
        notes: what a reader should know.
        seconds: that it took.
    """

    run: Path
    weights: str
    step: int
    count: int
    seed: int
    splits: tuple[str, ...]
    held_out_scans: int
    held_out_subjects: int
    training_scans: int
    networks: tuple[str, str]
    rows: list[MeasuredRow]
    verdicts: list[LawVerdict]
    notes: list[str]
    seconds: float

    @property
    def judged(self) -> Judged:
        """The worst of the verdicts; broken before what cannot be told."""
        found = {verdict.judged for verdict in self.verdicts}
        return next((one for one in (Judged.BROKEN, Judged.CANNOT_TELL) if one in found), Judged.HOLDS)

    @property
    def exit_code(self) -> int:
        """0 where all laws hold, 1 where one is broken, 3 where that cannot be told."""
        return {Judged.HOLDS: 0, Judged.BROKEN: 1, Judged.CANNOT_TELL: 3}[self.judged]

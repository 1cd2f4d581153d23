"""The data that a bisect and its oracle exchange: probes, tasks, outcomes.

An oracle trains a mixture of the good and the bad configuration and says whether that run is broken or healthy.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol, Self

from neuromf.config.load import validate
from neuromf.config.resolve import unflatten
from neuromf.config.schema import Config


class ProbeVerdict(StrEnum):
    """What became of the good run with some of the bad run's values.

    Only the first two are evidence about the deltas; the others cost a training and give none.
    """

    BROKEN = "broken"
    HEALTHY = "healthy"
    UNDECIDED = "undecided"
    UNTESTABLE = "untestable"


class ProbePurpose(StrEnum):
    """Why a probe is made."""

    CALIBRATE = "calibrate"
    SEARCH = "search"
    VERIFY = "verify"
    FALLBACK = "fallback"


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One question to the oracle.

    Attributes:
        index: number of the probe within the bisect, from 0.
        subset: the deltas that have the bad run's values, as bits.
        seed: of the training; another one for every probe.
        purpose: why it is made.
        universe: the deltas among which a cause was looked for, as bits.
        candidate: the causes that were being verified, together, as bits; 0 when none was.
    """

    index: int
    subset: int
    seed: int
    purpose: ProbePurpose
    universe: int = 0
    candidate: int = 0


@dataclass(frozen=True)
class ProbeOutcome:
    """An oracle's answer.

    Attributes:
        verdict: what became of the run.
        cost: seconds it took.
        detail: the numbers behind it, in a clause.
    """

    verdict: ProbeVerdict
    cost: float = 0.0
    detail: str = ""


@dataclass(frozen=True)
class Observation:
    """A probe and its answer."""

    probe: Probe
    outcome: ProbeOutcome


class Oracle(Protocol):
    """Trains the good configuration with the deltas of `probe.subset`, from `probe.seed`, and judges it.

    It is called in any order and from several processes, so that its answer may depend on the probe alone.
    """

    def __call__(self, probe: Probe) -> ProbeOutcome:
        """Answer one probe."""
        ...


@dataclass(frozen=True, kw_only=True)
class Task:
    """A training to be judged.

    Attributes:
        oracle: name of the oracle and what follows the colon.
        config: every key of the mixture by dotted path.
        good: every key of the good run, for oracles that compare.
        seed: of weights and batches.
        micro_batches: most of them that are trained, accumulated ones counted one by one.
        device: where to compute.
        reference_seed: of the good run that is compared with; None for `seed`.
    """

    oracle: str
    config: dict[str, Any]
    good: dict[str, Any]
    seed: int
    micro_batches: int
    device: str = "cpu"
    reference_seed: int | None = None

    @property
    def mixture(self) -> Config:
        """What is trained, with the probe's seed."""
        return validate(unflatten({**self.config, "training.seed": self.seed}))

    @property
    def reference(self) -> Config:
        """The good run, with the same seed unless another is given."""
        seed = self.seed if self.reference_seed is None else self.reference_seed
        return validate(unflatten({**self.good, "training.seed": seed}))

    def record(self) -> dict[str, Any]:
        """The task as JSON."""
        return asdict(self)

    @classmethod
    def read(cls, record: dict[str, Any]) -> Self:
        """The task of a record."""
        return cls(**record)

"""The verdict on another code: what became of every law, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from neuromf_spec.conformance.verdict import FAILED, Result, Status

from neuromf import __version__
from neuromf.conform.one_step.outcome import OneStepOutcome
from neuromf.json_text import json_text

if TYPE_CHECKING:
    from neuromf.gate.facts_verdict import FactsVerdict

SCHEMA = 1
ORDER = (
    Status.FALLS,
    Status.UNEXPLAINED,
    Status.CANNOT_RUN,
    Status.DECLARED,
    Status.HOLDS,
    Status.NOT_APPLICABLE,
)
"""The gravest first."""


@dataclass(frozen=True, kw_only=True)
class ConformVerdict:
    """What the laws say of a code.

    Attributes:
        name: of the code.
        adapter: its file and class.
        library: that it is written with.
        seed: of the suite's draws.
        results: facts of laws, in the suite's order.
        snippets: key of a result -> code that shows it without the suite.
        facts: what its configuration's numbers say, None where the adapter gives none.
        one_step: what small trainings with its loss learned; nothing is judged by it.
        seconds: wall time.
    """

    name: str
    adapter: str
    library: str
    seed: int
    results: Sequence[Result]
    snippets: dict[str, str]
    facts: FactsVerdict | None
    one_step: Sequence[OneStepOutcome] = ()
    seconds: float

    @property
    def status(self) -> Literal["PASS", "FAILED"]:
        """FAILED where a law falls, differs without explanation, cannot be run, or blocks by the facts."""
        failed = any(result.status in FAILED for result in self.results)
        return "FAILED" if failed or (self.facts is not None and self.facts.status == "BLOCKED") else "PASS"

    def with_status(self, status: Status) -> list[Result]:
        """Results with this status."""
        return [result for result in self.results if result.status is status]

    def to_json(self) -> str:
        """The verdict as JSON text."""
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "neuromf": __version__,
            "status": self.status,
            "code": self.name,
            "adapter": self.adapter,
            "library": self.library,
            "seed": self.seed,
            "laws": [_plain(result, self.snippets.get(result.key, "")) for result in self.results],
            "facts": None if self.facts is None else [asdict(result) for result in self.facts.results],
            "one_step": [asdict(outcome) for outcome in self.one_step],
            "seconds": self.seconds,
        }
        return json_text(document) + "\n"


def _plain(result: Result, snippet: str) -> dict[str, object]:
    """A result without the arrays of its trials, which its snippet holds."""
    return {
        "law_id": result.law_id,
        "fact": result.fact,
        "status": result.status.value,
        "value": result.value,
        "bound": result.bound,
        "detail": result.detail,
        "repair": result.repair,
        "snippet": snippet,
        "seconds": result.seconds,
    }

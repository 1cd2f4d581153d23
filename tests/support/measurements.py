"""The worst number each law was judged by and passed, collected while the tests run."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from neuromf_spec import registry
from neuromf_spec.law import Finding, Law

from tests.support.stored_report import write_report

MEASURING = ("tests/laws", "tests/equivalence")
"""Tests whose numbers come from the trainer; elsewhere laws are judged on examples."""


@dataclass
class Recorder:
    """Worst passed finding of each law, and the test that made it."""

    worst: dict[str, dict[str, object]] = field(default_factory=dict)

    def observe(self, law_id: str, finding: Finding) -> None:
        """Take in one finding made by a test that carries the law's mark or judges it."""
        test = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0].partition("[")[0]
        if not test.startswith(MEASURING):
            return
        if not finding.passed or isinstance(finding.value, str) or not math.isfinite(finding.value):
            return
        known = self.worst.get(law_id)
        if known is None or _nearer(finding, float(str(known["value"]))):
            entry = {"value": float(finding.value), "bound": finding.bound, "unit": finding.unit, "test": test}
            self.worst[law_id] = entry


def _nearer(finding: Finding, known: float) -> bool:
    """Whether a finding is nearer to its bound than a known value."""
    value = float(finding.value)
    return value < known if finding.bound.startswith(">") else value > known


@contextlib.contextmanager
def recorded_findings() -> Iterator[Recorder]:
    """Put a recording predicate into every law of the registry while the block runs."""
    recorder, index = Recorder(), registry._index()
    laws = dict(index)
    for law in laws.values():
        index[law.id] = replace(law, predicate=_recording(law, recorder))
    try:
        yield recorder
    finally:
        index.update(laws)


def _recording(law: Law, recorder: Recorder) -> Callable[..., Finding]:
    def predicate(**numbers: object) -> Finding:
        finding = law.predicate(**numbers)
        recorder.observe(law.id, finding)
        return finding

    return predicate


def write_measurements(path: Path, recorder: Recorder) -> None:
    """Store what was recorded, with date and machine."""
    write_report(path, {"laws": dict(sorted(recorder.worst.items()))})

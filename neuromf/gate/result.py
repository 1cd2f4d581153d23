"""The gate's result for one law."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from neuromf_spec.law import Finding, Law, Severity

Where = Literal["static", "inputs", "smoke"]
"""By the configuration alone, by scans and autoencoder as they are, by a short training."""
Status = Literal["pass", "info", "waived", "warn", "policy", "block"]
REFUSED: tuple[Status, ...] = ("block", "policy")
"""Statuses that refuse a launch: of a law that says the run fails, and of safety gear that is missing."""


@dataclass(frozen=True, kw_only=True)
class LawResult:
    """One law's verdict on one configuration or smoke training.

    Attributes:
        law_id: id of the law.
        title: the law in a few words.
        status: `pass`, `info` (worth reading, whether it passes or not), `waived`, `warn`, `policy` (safety gear that
            our own launches must have), or `block`.
        key: dotted configuration key concerned, empty when it is the whole configuration.
        value: what was found.
        bound: what it is held to.
        unit: unit of value and bound.
        detail: what the value means.
        remedy: what to do about it, empty when it passes.
        passing_value: overrides that would pass, blank-separated, as typed after `--set`; empty when it passes.
        source: papers and sections the law comes from.
        where: which part of the gate found it.
        value_source: where the value of `key` comes from: a file, `--set`, or the source that a recipe cites.
    """

    law_id: str
    title: str
    status: Status
    key: str
    value: float | str
    bound: str
    unit: str
    detail: str
    remedy: str
    passing_value: str
    source: str
    where: Where
    value_source: str

    @property
    def found(self) -> str:
        """The value with its unit."""
        return f"{format_value(self.value)} {self.unit}".strip()


def format_value(value: float | str) -> str:
    """A number with four significant digits, or the text itself."""
    return value if isinstance(value, str) else f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"


def status_of(law: Law, finding: Finding) -> Status:
    """A passed finding passes, or informs when it says so; a failed one has its own severity, or the law's."""
    severity = finding.severity or law.severity
    if finding.passed:
        return "info" if finding.severity is Severity.INFO else "pass"
    return severity.value


def law_result(law: Law, finding: Finding, *, key: str, where: Where, value_source: str) -> LawResult:
    """Join a law and its finding."""
    return LawResult(
        law_id=law.id,
        title=law.title,
        status=status_of(law, finding),
        key=key,
        value=finding.value,
        bound=finding.bound,
        unit=finding.unit,
        detail=finding.detail,
        remedy="" if finding.passed else law.remedy,
        passing_value=finding.passing_value,
        source="; ".join(str(source) for source in law.sources),
        where=where,
        value_source=value_source,
    )

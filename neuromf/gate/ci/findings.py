"""What the gate found on one configuration, each finding with its level and its line of a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from neuromf_spec.registry import law
from neuromf_spec.waivers import Waiver

from neuromf.config.places import FilePlace, KeyPlaces, error_place, key_places
from neuromf.errors import InputError
from neuromf.gate.result import LawResult
from neuromf.gate.verdict import GateVerdict
from neuromf.gate.waivers import waiver_notes
from neuromf.readable import readable

Level = Literal["error", "warning", "note"]
LEVELS: dict[str, Level] = {"block": "error", "policy": "error", "warn": "warning", "info": "note"}
"""Level of a broken law by its severity: what refuses a launch is an error."""


@dataclass(frozen=True, kw_only=True)
class PlacedFinding:
    """A law that is broken.

    Attributes:
        result: what the gate found.
        level: how much it matters.
        text: title, numbers, meaning, remedy and what would pass, in sentences.
        place: the line of the key that broke the law, or the nearest to it.
        waiver: who allows it, until when and why; empty where nobody does.
    """

    result: LawResult
    level: Level
    text: str
    place: FilePlace
    waiver: str


@dataclass(frozen=True, kw_only=True)
class JudgedConfig:
    """A configuration that the gate was asked about.

    Attributes:
        layers: recipe and files, as they were typed.
        verdict: None where the configuration could not be judged.
        findings: the laws that it breaks, waived ones too, in the verdict's order.
        error: why it could not be judged; None where it was.
        place: the line of the error; the first one where there is none.
    """

    layers: Sequence[str]
    verdict: GateVerdict | None
    findings: tuple[PlacedFinding, ...]
    error: InputError | None
    place: FilePlace

    @property
    def name(self) -> str:
        """What the user called it."""
        return " ".join(self.layers)

    @property
    def exit_code(self) -> Literal[0, 1, 2]:
        """0 where it passes, 1 where it is blocked, 2 where it could not be judged."""
        if self.verdict is None:
            return 2
        return 0 if self.verdict.status == "PASS" else 1

    @property
    def open(self) -> tuple[PlacedFinding, ...]:
        """Findings that nobody has waived."""
        return tuple(finding for finding in self.findings if not finding.waiver)


def with_findings(
    verdict: GateVerdict, layers: Sequence[str], overrides: Sequence[str], waivers: Iterable[Waiver]
) -> JudgedConfig:
    """A configuration that was judged, with the line of each finding.

    Args:
        verdict: the gate's, with waivers applied.
        layers: recipe and files, as given to `load_config`.
        overrides: `section.key=value`.
        waivers: all there are.
    """
    places, notes = key_places(layers, overrides), waiver_notes(waivers, layers)
    broken = [result for result in verdict.results if _is_broken(result)]
    found = tuple(_placed(result, places, notes.get(result.law_id, "")) for result in broken)
    return JudgedConfig(layers=layers, verdict=verdict, findings=found, error=None, place=places.top)


def not_judged(error: InputError, layers: Sequence[str]) -> JudgedConfig:
    """A configuration that does not load, or whose judgement an error ended."""
    place = error_place(error, layers)
    return JudgedConfig(layers=layers, verdict=None, findings=(), error=error, place=place)


def _is_broken(result: LawResult) -> bool:
    """A law that is worth reading may hold or not: only a broken one has a remedy."""
    return result.status not in ("pass", "info") or bool(result.remedy)


def _placed(result: LawResult, places: KeyPlaces, note: str) -> PlacedFinding:
    waived = result.status == "waived"
    severity = law(result.law_id).severity.value if waived else result.status
    place = _place(result, places)
    return PlacedFinding(
        result=result,
        level=LEVELS.get(severity, "warning"),
        text=_text(result, note if waived else "", place),
        place=place,
        waiver=readable(note) if waived else "",
    )


def _place(result: LawResult, places: KeyPlaces) -> FilePlace:
    """Of a law on several keys, the first of those to change that a file sets; else the first that is no default."""
    if result.key:
        return places.of(result.key)
    keys = [override.partition("=")[0] for override in result.passing_value.split()]
    given = [places.of(key) for key in keys if key in places.values]
    found = [place for place in given if not place.note] or given
    return found[0] if found else FilePlace(places.top.file, places.top.line, "the law is on several keys together")


def _text(result: LawResult, waiver: str, place: FilePlace) -> str:
    detail = result.detail.removeprefix(waiver).removeprefix("; ") if waiver else result.detail
    passing = " ".join(f"--set {override}" for override in result.passing_value.split())
    clauses = (
        f"{result.title}: {result.found}, bound {result.bound}",
        detail,
        result.remedy,
        f"What would pass: {passing}" if passing else "",
        place.note,
    )
    return readable(" ".join(f"{clause.rstrip('.')}." for clause in clauses if clause))

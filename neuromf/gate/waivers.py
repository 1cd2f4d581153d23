"""Waivers (permissions to break one law in one configuration), applied to the gate's findings."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from neuromf_spec.registry import laws
from neuromf_spec.waivers import EXAMPLE, Waiver, parse_waivers, shipped_waivers

from neuromf.config.recipe_files import canonical_name
from neuromf.errors import InputError
from neuromf.gate.result import LawResult

HELD = ("pass", "info")
"""Statuses of a law that holds."""


def all_waivers(path: Path | None) -> tuple[Waiver, ...]:
    """Waivers of the shipped recipes, and those of a file.

    Raises:
        InputError: the file is no file of waivers.
    """
    return (*shipped_waivers(), *(read_waivers(path) if path is not None else ()))


def read_waivers(path: Path) -> tuple[Waiver, ...]:
    """Waivers of a TOML file.

    Raises:
        InputError: the file is not there or not of the form that `spec/neuromf_spec/waivers.toml` shows.
    """
    try:
        waivers = parse_waivers(path.read_text(encoding="utf-8"))
        if unknown := [waiver.law for waiver in waivers if waiver.law not in laws()]:
            raise ValueError(f"{unknown[0]!r} is no law")
    except (OSError, ValueError, RecursionError) as error:
        remedy = "write tables like this one: " + EXAMPLE.replace("\n", "  ").strip()
        raise InputError(f"holds no waivers ({error})", remedy=remedy, file=path, key="--waivers") from error
    return waivers


def apply_waivers(
    results: Sequence[LawResult], waivers: Iterable[Waiver], layers: Sequence[str], today: datetime.date
) -> list[LawResult]:
    """Results with broken laws waived where that is allowed.

    An expired waiver changes nothing but is mentioned in the result. A waiver whose law holds blocks: it is not needed,
    and it would hide a later violation. A law that is judged twice, on paper and live, holds only where both pass.

    Args:
        results: what the gate found.
        waivers: all there are; of several for one law the one that lasts longest counts.
        layers: the configuration as it was called; a waiver is for one of these names.
        today: the day on which it must not have expired.
    """
    mine = _longest(waivers, layers)
    broken = {result.law_id for result in results if result.status not in HELD}
    return [
        _waived(result, mine[result.law_id], today, needed=result.law_id in broken) if result.law_id in mine else result
        for result in results
    ]


def _waived(result: LawResult, waiver: Waiver, today: datetime.date, *, needed: bool) -> LawResult:
    note = _note(waiver)
    if result.status in HELD and needed:
        return result
    if result.status in HELD:
        remedy = "Remove the waiver: the law holds without it."
        return replace(result, status="block", detail=_joined(result.detail, note), remedy=remedy)
    if waiver.expired(today):
        return replace(result, detail=_joined(result.detail, f"the waiver expired on {waiver.expires}"))
    return replace(result, status="waived", detail=_joined(note, result.detail), remedy="", passing_value="")


def _note(waiver: Waiver) -> str:
    return f"waived by {waiver.owner} until {waiver.expires}: {waiver.reason}"


def waiver_notes(waivers: Iterable[Waiver], layers: Sequence[str]) -> dict[str, str]:
    """By law, who waives it in a configuration, until when and why: the words that begin a waived result's detail."""
    return {law_id: _note(waiver) for law_id, waiver in _longest(waivers, layers).items()}


def _joined(*clauses: str) -> str:
    return "; ".join(clause for clause in clauses if clause)


def last_day(results: Iterable[LawResult], waivers: Iterable[Waiver], layers: Sequence[str]) -> datetime.date | None:
    """The day on which the first of the waivers that these results rest on expires; None where they rest on none.

    Args:
        results: after `apply_waivers`.
        waivers: all there are.
        layers: the configuration as it was called.
    """
    used = {result.law_id for result in results if result.status == "waived"}
    return min((w.expires for law_id, w in _longest(waivers, layers).items() if law_id in used), default=None)


def _longest(waivers: Iterable[Waiver], layers: Sequence[str]) -> dict[str, Waiver]:
    """By law, the waiver for these layers that lasts longest: a renewed one stands beside the one that expired."""
    mine = [waiver for waiver in waivers if _is_for(waiver, layers)]
    return {waiver.law: waiver for waiver in sorted(mine, key=lambda waiver: waiver.expires)}


def _is_for(waiver: Waiver, layers: Sequence[str]) -> bool:
    """Whether a waiver names one of the layers, a recipe by its name or by an alias."""
    return canonical_name(waiver.config) in map(canonical_name, layers)

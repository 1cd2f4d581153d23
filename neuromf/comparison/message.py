"""Turns a comparison into text: the first difference and its size, the laws and keys of its stage, the next command."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from neuromf.comparison.comparator import Comparison, ComparisonVerdict, Divergence, Tolerance
from neuromf.comparison.stages import stage_of


@dataclass(frozen=True)
class Context:
    """What is known about the two traces besides their cells.

    Attributes:
        name: what is compared, as the reader named it.
        tolerances: by column.
        config_changes: differing keys, as (golden's value, trace's value); None where they are not known.
        next_command: what to type next.
        verdict: shown instead of the comparison's own, which knows nothing of platforms.
    """

    name: str
    tolerances: Mapping[str, Tolerance] = field(default_factory=dict)
    config_changes: Mapping[str, tuple[object, object]] | None = None
    next_command: str = ""
    verdict: str = ""


def explain(comparison: Comparison, context: Context) -> str:
    """The comparison in a few lines: first difference, its size, columns still equal, laws and keys, what to do."""
    return "\n".join(_lines(comparison, context)) + "\n"


def where_different(comparison: Comparison) -> str:
    """Where two traces that do not agree differ first, in a clause."""
    if comparison.first is not None:
        return f"differs first at step {comparison.first.step}, column {comparison.first.column}"
    if comparison.not_finite is not None:
        return f"not finite first at step {comparison.not_finite.step}, column {comparison.not_finite.column}"
    return comparison.problem


def _lines(comparison: Comparison, context: Context) -> Iterator[str]:
    yield f"{context.verdict or comparison.verdict} {context.name}: {comparison.steps} steps compared"
    if comparison.problem:
        yield f"  {comparison.problem}"
    first = comparison.first
    if first is not None:
        stage = stage_of(first.column)
        yield f"  first divergence: step {first.step}, column {first.column} (stage {stage.name}: {stage.what})"
        yield f"  golden {_shown(first.golden)}, found {_shown(first.actual)}{_distance(first, context.tolerances)}"
        yield f"  equal up to there: {' '.join(comparison.unchanged) or 'nothing'}"
        yield f"  also beyond tolerance: {_others(comparison, first.column)}"
        yield f"  laws: {', '.join(stage.laws)}"
        yield f"  keys that set this stage: {', '.join(stage.keys) or 'none, so it is the code or the environment'}"
    if comparison.not_finite is not None:
        yield from _not_finite(comparison.not_finite, parted=first is not None)
    if comparison.verdict is not ComparisonVerdict.PASS:
        yield f"  configuration: {_changes(context.config_changes)}"
        if context.next_command:
            yield f"  next: {context.next_command}"


def _not_finite(found: Divergence, *, parted: bool) -> Iterator[str]:
    """The first number that is not finite, and why equal traces fail all the same."""
    values = f"golden {_shown(found.golden)}, found {_shown(found.actual)}"
    yield f"  first number that is not finite: step {found.step}, column {found.column}, {values}"
    if not parted:
        yield "  no cell differs, but a trace with such a number never passes"


def _changes(changes: Mapping[str, tuple[object, object]] | None) -> str:
    if changes is None:
        return "not known of both"
    return "; ".join(f"{key} {old} -> {new}" for key, (old, new) in changes.items()) or "no key differs"


def _shown(value: float | str | None) -> str:
    return "an empty cell" if value is None else value if isinstance(value, str) else f"{value:.9g}"


def _distance(first: Divergence, tolerances: Mapping[str, Tolerance]) -> str:
    """Relative distance, and how many times the measured noise that is."""
    if not math.isfinite(first.relative):
        return ""
    noise = tolerances.get(first.column, Tolerance()).noise
    against = f", {first.relative / noise:.3g} times the measured noise" if noise > 0 else ""
    return f" ({100 * first.relative:.3g} % off{against})"


def _others(comparison: Comparison, column: str) -> str:
    counts = {name: count for name, count in (comparison.differing or {}).items() if name != column}
    return ", ".join(f"{name} in {count} steps" for name, count in counts.items()) or "nothing"

"""What became of the changes, a folder at a time: those that nobody noticed, and those that change nothing."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from neuromf.checkout import golden_folder
from neuromf.output import write_output

FOLDER = golden_folder() / "mutants"
RESULTS, EQUIVALENTS = FOLDER / "results.json", FOLDER / "equivalents.toml"


@dataclass(frozen=True)
class Survivor:
    """A change that no test noticed.

    Attributes:
        mutant: mutmut's name of it, which holds as long as its function is unchanged.
        change: removed and added lines.
    """

    mutant: str
    change: str


@dataclass(frozen=True, kw_only=True)
class AreaResult:
    """What became of an area's sample.

    Attributes:
        area: name of the folder.
        date: of the day, as in 2026-11-26.
        commit: of the code that was changed.
        command: what was typed.
        seed: of the draw.
        machine: name of the processor and its cores.
        mutants: changes that could be made.
        sampled: changes that were made.
        seconds: wall time.
        survivors: changes that no test noticed.
    """

    area: str
    date: str
    commit: str
    command: str
    seed: int
    machine: str
    mutants: int
    sampled: int
    seconds: int
    survivors: tuple[Survivor, ...]


@dataclass(frozen=True)
class Equivalent:
    """A survivor that changes nothing which could be noticed, and why."""

    mutant: str
    change: str
    reason: str


def read_results(path: Path = RESULTS) -> list[AreaResult]:
    """Every area that was measured, in the order of the file."""
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else []
    return [AreaResult(**{**row, "survivors": tuple(Survivor(**one) for one in row["survivors"])}) for row in rows]


def store(result: AreaResult, path: Path = RESULTS) -> None:
    """Put an area's result in the place of its former one."""
    kept = {row.area: row for row in read_results(path)} | {result.area: result}
    rows = [asdict(kept[name]) for name in sorted(kept)]
    write_output(path, json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


def read_equivalents(path: Path = EQUIVALENTS) -> list[Equivalent]:
    """Every survivor that was read and found to change nothing."""
    return [Equivalent(**row) for row in tomllib.loads(path.read_text(encoding="utf-8")).get("equivalent", [])]


def open_survivors(result: AreaResult, equivalents: Sequence[Equivalent]) -> list[Survivor]:
    """Survivors that are not listed as equivalent; a row counts for the very change alone that it was written of."""
    listed = {(row.mutant, row.change.strip()) for row in equivalents}
    return [one for one in result.survivors if (one.mutant, one.change.strip()) not in listed]


def score(result: AreaResult, equivalents: Sequence[Equivalent]) -> tuple[int, int]:
    """How many changes were noticed, and of how many that could be: those listed as equivalent do not count."""
    left = len(open_survivors(result, equivalents))
    counted = result.sampled - (len(result.survivors) - left)
    return counted - left, counted


def summary(result: AreaResult, equivalents: Sequence[Equivalent]) -> str:
    """Score and time in a line, then every survivor that is not listed as equivalent."""
    noticed, counted = score(result, equivalents)
    left = [f"{one.mutant}\n{one.change}" for one in open_survivors(result, equivalents)]
    head = f"{result.area}: {noticed} of {counted} noticed ({noticed / counted:.0%}), {result.seconds} s"
    return "\n".join([head, *left])

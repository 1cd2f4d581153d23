"""Measured figures, each with its bar, kept as one JSON file a machine under `golden/bench/devices`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from neuromf.checkout import golden_folder
from neuromf.errors import InputError
from neuromf.output import write_output
from tools.performance.machine import Machine

FOLDER = golden_folder() / "bench" / "devices"


@dataclass(frozen=True)
class Figure:
    """One number.

    Attributes:
        name: what was measured.
        value: of it.
        unit: of the value; empty for a ratio.
        bar: largest value that is accepted; None where none was set.
        low: lowest of several repeats, whose median the value is; None where it was measured once.
        high: the highest.
    """

    name: str
    value: float
    unit: str = ""
    bar: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def held(self) -> bool:
        """Whether the value is a number, and within its bar where it has one."""
        return math.isfinite(self.value) and (self.bar is None or self.value <= self.bar)


@dataclass(frozen=True)
class MachineFigures:
    """Figures of one machine.

    Attributes:
        machine: where.
        commands: what to type to measure again.
        figures: by name.
    """

    machine: Machine
    commands: tuple[str, ...]
    figures: tuple[Figure, ...]


def store(machine: Machine, command: str, figures: Iterable[Figure], folder: Path = FOLDER) -> Path:
    """Write figures into the machine's file; those of other commands stay where the machine is the same."""
    path = folder / f"{machine.kind}.json"
    kept = read(path) if path.is_file() else None
    merged: dict[str, Figure] = {figure.name: figure for figure in kept.figures} if kept is not None else {}
    commands: Sequence[str] = kept.commands if kept is not None else ()
    if kept is not None and kept.machine != machine:
        merged, commands = {}, ()  # numbers of two machines do not stand in one table
    merged |= {figure.name: figure for figure in figures}
    measurement = MachineFigures(machine, tuple(dict.fromkeys([*commands, command])), tuple(merged.values()))
    folder.mkdir(parents=True, exist_ok=True)
    write_output(path, json.dumps(asdict(measurement), indent=1) + "\n")
    return path


def read(path: Path) -> MachineFigures:
    """Read a machine's file.

    Raises:
        InputError: no measurement is in the file.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text())
        figures = tuple(Figure(**figure) for figure in content["figures"])
        return MachineFigures(Machine(**content["machine"]), tuple(content["commands"]), figures)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(
            f"holds no measurement: {error}", file=path, remedy="measure again with `nox -s bench -- --store`"
        ) from error


def read_all(folder: Path = FOLDER) -> list[MachineFigures]:
    """The measurements of every machine, by the name of its file."""
    return [read(path) for path in sorted(folder.glob("*.json"))]

"""The two tables of `golden/rivals/README.md`, from what is kept."""

import statistics
from typing import Any

from tools.studies.rivals.catalogue import faults

GIVEN = {
    "neuromf diagnose": "the finished log",
    "neuromf Guard": "loss and norm of each step",
    "neuromf watch_training": "network, optimiser, average, schedule, clip",
    "losslint": "the finished log",
    "trainspotter": "the finished log",
    "torch-audit": "network and optimiser, each step",
    "traincheck": "the script and healthy reference runs; ten steps",
    "neuromf diagnose live": "the growing log, each 20 steps",
    "losslint live": "the growing log, each 20 steps",
    "trainspotter live": "the growing log, each 20 steps",
}
"""Each checker and what it is given."""
COLUMNS = tuple(GIVEN)[:7]
"""Of the table of faults."""


def tools_table(kept: dict[str, Any]) -> str:
    """A row a checker."""
    lines = [
        "| checker | given | heard of 14 public | of 14 ours | cause named | steps to the alarm | healthy: any alarm |"
        " an error | a kind of its own | a step of 50 ms takes | seconds a run |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for tool, given in GIVEN.items():
        cells = {fault: kept["faults"][fault.id][tool] for fault in faults()}
        own = {fault: one for fault, one in cells.items() if one["heard"] == "own"}
        row, late = kept["tools"][tool], [one["latency"] for one in own.values() if one["latency"] is not None]
        after = "after the run" if own else "-"
        parts = [
            tool, given,
            str(sum(fault.public for fault in own)), str(sum(not fault.public for fault in own)),
            str(sum(one["named"] for one in own.values())),
            f"{statistics.median(late):g} ({min(late)} to {max(late)})" if late else after,
            _of(row["warned"], row["healthy"]), str(row["errors"]), str(row["own"]),
            _overhead(kept, tool),
            f"{row['seconds']:g}" if row["seconds"] else "-",
        ]  # fmt: skip
        lines.append("| " + " | ".join(parts) + " |")
    return "\n".join(lines)


def _of(count: int, whole: int) -> str:
    return f"{count} of {whole}"


def _overhead(kept: dict[str, Any], tool: str) -> str:
    found = kept["overhead"].get(tool)
    return f"x {found['median']:.3g}" if found is not None else "-"


def faults_table(kept: dict[str, Any]) -> str:
    """A row a fault: whether each checker hears it, names it, and after how many steps."""
    lines = ["| fault | loop | " + " | ".join(COLUMNS) + " |", "|---|---|" + "---|" * len(COLUMNS)]
    for fault in faults():
        origin = f" ({fault.origin})" if fault.public else ""
        parts = [f"{fault.title}{origin}", fault.loop]
        parts += [_cell(kept["faults"][fault.id][tool]) for tool in COLUMNS]
        lines.append("| " + " | ".join(parts) + " |")
    return "\n".join(lines)


def _cell(one: dict[str, Any]) -> str:
    if one["heard"] != "own":
        return {"usual": "○", "none": "-", "no verdict": "?"}[one["heard"]]
    when = "" if one["latency"] is None else f" {one['latency']}"
    return ("●" if one["named"] else "◐") + when

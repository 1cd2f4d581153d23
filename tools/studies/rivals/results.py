"""What was heard, reduced to what is kept: `golden/rivals/results.json`."""

import json
import platform
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import torch

import neuromf
from neuromf.checkout import ROOT, golden_folder
from tools.foreign.checkout import commit_of
from tools.marked_block import replace_block
from tools.studies.rivals.catalogue import LoopFault, faults
from tools.studies.rivals.heard import Heard, SaidAlarm, read
from tools.studies.rivals.overhead import AGAIN
from tools.studies.rivals.plan import LOOPS, Settings, base_runs, healthy_runs, short
from tools.studies.rivals.plan import Run as PlannedRun
from tools.studies.rivals.tables import GIVEN, faults_table, tools_table

FOLDER = golden_folder() / "rivals"
KINDS_KEPT = 3
Cell = dict[str, Any]


def kinds(heard: Iterable[Heard]) -> set[str]:
    """Everything that was said of some runs."""
    return {alarm.kind for one in heard for alarm in one.alarms}


def cell(fault: LoopFault, heard: Heard | None, usual: set[str]) -> Cell:
    """What a checker said of a fault, against what it says of healthy runs of the same loop.

    `heard` is `own` for an alarm of a kind that no healthy run drew, `usual` for others alone, `none`, or `no verdict`.
    """
    if heard is None or (heard.note and not heard.alarms):
        return {"heard": "no verdict"}
    own = [alarm for alarm in heard.alarms if alarm.kind not in usual]
    if not own:
        return {"heard": "usual" if heard.alarms else "none"}
    own.sort(key=lambda alarm: 0 if alarm.step is None else alarm.step)
    return {
        "heard": "own", "level": "error" if any(alarm.level == "error" for alarm in own) else "warning",
        "named": any(names_cause(fault, alarm) for alarm in own), "count": len(own),
        "latency": latency(fault, heard, own),
        "kinds": sorted({alarm.kind for alarm in own}, key=lambda kind: (not _named(fault, kind), kind))[:KINDS_KEPT],
    }  # fmt: skip


def _named(fault: LoopFault, text: str) -> bool:
    return any(word in text.lower() for word in fault.cause)


def names_cause(fault: LoopFault, alarm: SaidAlarm) -> bool:
    """Whether an alarm has one of the words that name the cause."""
    return _named(fault, f"{alarm.kind} {alarm.text}")


def latency(fault: LoopFault, heard: Heard, own: Sequence[SaidAlarm]) -> int | None:
    """Steps from the first faulty one to the first alarm of its own; None after the run."""
    settings = Settings() if heard.tool != "traincheck" else short(PlannedRun("", "plain", Settings())).settings
    steps = [alarm.step for alarm in own if alarm.step is not None]
    return max(0, min(steps) - fault.first_step(settings.onset)) if steps else None


def tool_row(heard: Sequence[Heard]) -> Cell:
    """False alarms of a checker, and how long it took."""
    names = {run.name: run.loop for run in healthy_runs()}
    healthy = [one for one in heard if one.run in names and not (one.note and not one.alarms)]
    said = Counter(kind for one in healthy for kind in {alarm.kind for alarm in one.alarms})
    return {
        "healthy": len(healthy),
        "warned": sum(bool(one.alarms) for one in healthy),
        "errors": sum(any(alarm.level == "error" for alarm in one.alarms) for one in healthy),
        # Those that would count as heard if they were faulty: the test of the test.
        "own": sum(bool(kinds([one]) - kinds(_others(one, healthy, names))) for one in healthy),
        "kinds": len(said), "commonest": [[kind, count] for kind, count in said.most_common(KINDS_KEPT)],
        "seconds": round(statistics.median([one.seconds for one in heard]), 2),
    }  # fmt: skip


def _others(one: Heard, healthy: Sequence[Heard], loops: dict[str, str]) -> list[Heard]:
    return [other for other in healthy if other is not one and loops[other.run] == loops[one.run]]


def reduced(heard: Sequence[Heard], overhead: Cell, about: Cell) -> Cell:
    """All that is kept."""
    by_tool = {tool: [one for one in heard if one.tool == tool] for tool in GIVEN}
    healthy = {loop: {run.name for run in (*base_runs(), *healthy_runs()) if run.loop == loop} for loop in LOOPS}
    cells: Cell = {}
    for fault in faults():
        cells[fault.id] = {}
        for tool, said in by_tool.items():
            usual = kinds(one for one in said if one.run in healthy[fault.loop])
            found = next((one for one in said if one.run == fault.id), None)
            cells[fault.id][tool] = cell(fault, found, usual)
    tools = {tool: tool_row(said) for tool, said in by_tool.items()}
    return {"about": about, "overhead": overhead, "tools": tools, "faults": cells}


def about() -> Cell:
    """Day, commit, machine and versions."""
    pins = (resources.files(__package__) / "rivals.txt").read_text(encoding="utf-8").split()
    versions = [f"neuromf=={neuromf.__version__}", *pins[:4], f"torch=={torch.__version__}"]
    return {
        "command": "nox -s rivals", "day": datetime.now(UTC).date().isoformat(), "commit": commit_of(ROOT),
        "machine": "two cores, AMD EPYC, shared", "python": platform.python_version(), "versions": versions,
    }  # fmt: skip


def write(out: Path, folder: Path = FOLDER) -> None:
    """Keep the results, and put their tables into the page."""
    overhead: Cell = {}
    for file in sorted(out.glob("overhead-*.json")):
        found: Cell = json.loads(file.read_text(encoding="utf-8"))
        # Each environment has its own bare loop.
        overhead |= {f"{name}, {file.stem}" if name == AGAIN else name: one for name, one in found.items()}
    kept = reduced(read(sorted(out.glob("*.jsonl"))), overhead, about())
    (folder / "results.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    page = folder / "README.md"
    page.write_text(on_page(page.read_text(encoding="utf-8"), kept), encoding="utf-8")


def on_page(text: str, kept: Cell) -> str:
    """The page with the tables of these results."""
    return replace_block(replace_block(text, "tools", tools_table(kept)), "faults", faults_table(kept))

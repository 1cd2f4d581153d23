"""TrainCheck by its four steps: trace references, infer invariants, trace a run with them, check its trace."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from tools.studies.rivals.catalogue import script
from tools.studies.rivals.heard import Heard, SaidAlarm, append, runs_heard
from tools.studies.rivals.overhead import LARGE, step_times
from tools.studies.rivals.plan import LOOPS, SHORT, Run, all_runs, reference_runs, short
from tools.studies.rivals.watcher import LoopWatcher

TOOL = "traincheck"
LIMIT_S = 420
"""Of a command on one run."""
INFER_LIMIT_S = 1_500
REFERENCES = {"plain": 2, "meanflow": 1}
"""Reference traces that inference is given: MeanFlow's is four times as large, for torch.func is traced too."""
ROOT = Path(__file__).resolve().parents[3]
_IMPORT = "from tools.studies.rivals.watcher"


def command(
    name: str, *arguments: str, folder: Path, limit_s: int = LIMIT_S, more: Mapping[str, str] | None = None
) -> None:
    """Run one of its commands in a folder, its words in a log there.

    Raises:
        subprocess.SubprocessError: it failed, or took too long.
    """
    program = Path(sys.executable).parent / name
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore", **(more or {})}
    with (folder / f"{name}.log").open("w", encoding="utf-8") as log:
        subprocess.run(
            [str(program), *arguments], cwd=folder, env=environment, check=True, timeout=limit_s, stdout=log, stderr=log
        )


def traced(run: Run, folder: Path, invariants: Path | None = None) -> float:
    """Trace a run into `folder/trace`: seconds of its median step."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # The path is set in the script, for TrainCheck runs it with another one.
    text = script(run.loop, run.fault).replace(_IMPORT, f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{_IMPORT}")
    (folder / "loop.py").write_text(text, encoding="utf-8")
    given = ("--invariants", str(invariants)) if invariants is not None else ()
    settings = {"RIVALS_SETTINGS": json.dumps(asdict(run.settings)), "RIVALS_ROWS": str(folder / "rows.json")}
    command(
        "traincheck-collect", "--pyscript", "loop.py", "--models-to-track", "model", *given, "--output-dir", "trace",
        folder=folder, more=settings,
    )  # fmt: skip
    if not (folder / "rows.json").is_file():
        raise subprocess.SubprocessError("the loop did not end")
    steps = sorted(row["seconds"] for row in json.loads((folder / "rows.json").read_text()) if "seconds" in row)
    return float(steps[len(steps) // 2])


def inferred(loop: str, folder: Path) -> Path:
    """Invariants of a loop, from its references; kept in the folder."""
    file = folder / f"{loop}.json"
    if file.is_file():
        return file
    chosen = [run for run in reference_runs() if run.loop == loop][: REFERENCES[loop]]
    for run in chosen:
        traced(short(run), folder / run.name)
    traces = [f"{run.name}/trace" for run in chosen]
    began = time.perf_counter()
    command("traincheck-infer", "-f", *traces, "-o", f"{loop}.tmp", folder=folder, limit_s=INFER_LIMIT_S)
    (folder / f"{loop}.tmp").rename(file)
    (folder / f"{loop}.seconds").write_text(f"{time.perf_counter() - began:.0f}")
    return file


def judge(run: Run, invariants: Path, folder: Path) -> Heard:
    """What TrainCheck says of a run; its folder is removed."""
    where, began = folder / run.name, time.perf_counter()
    try:
        traced(short(run), where, invariants)
        judged = ("-f", "trace", "-i", str(invariants), "--no-html-report", "-o", "found")
        command("traincheck-check", *judged, folder=where)
    except subprocess.SubprocessError as error:
        return Heard(TOOL, run.name, (), time.perf_counter() - began, f"{type(error).__name__}: no verdict")
    alarms: list[SaidAlarm] = []
    for file in where.glob("found/**/violations_summary.json"):
        found: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["violations"]
        # Its steps count from 1 once the loop has begun.
        alarms += [
            SaidAlarm(
                f"{one['relation_type']}: {one['display_name']}", "error", max(0, int(one["first_step"] or 0) - 1)
            )
            for one in found
        ]
    shutil.rmtree(where, ignore_errors=True)
    return Heard(TOOL, run.name, tuple(alarms), time.perf_counter() - began)


def judge_all(out: Path, budget_s: float, processes: int, loops: tuple[str, ...] = LOOPS) -> None:
    """Faults first, then as many healthy runs as the budget allows; what is in the file already is not done again."""
    folder, began = out.resolve() / "traincheck", time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    for loop in loops:
        file = out / f"{TOOL}-{loop}.jsonl"
        done = runs_heard(file)
        invariants = inferred(loop, folder)
        runs = [run for run in all_runs() if run.loop == loop and run.name not in done]

        def one(run: Run, invariants: Path = invariants, file: Path = file) -> None:
            if time.perf_counter() - began < budget_s:
                append(file, judge(run, invariants, folder))

        with ThreadPoolExecutor(processes) as pool:
            list(pool.map(one, runs))


def measure_overhead(out: Path) -> None:
    """Of ten large steps, traced for the plain loop's invariants, beside ten that are not."""
    folder = out.resolve() / TOOL
    torch.set_num_threads(1)
    large = Run("overhead", "plain", replace(LARGE, **SHORT))
    base = step_times(large, LoopWatcher())[1]
    ratio = traced(large, folder / "overhead", inferred("plain", folder)) / base
    kept = {TOOL: {"mean": ratio, "median": ratio, "bare_ms": 1e3 * base}}
    (out / f"overhead-{TOOL}.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")

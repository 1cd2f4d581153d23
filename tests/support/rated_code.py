"""A stand-in for this package whose golden traces take no training: the kept ones at another learning rate."""

from __future__ import annotations

from pathlib import Path

RATE = "neuromf/rate.py"
"""The module that holds how much faster its schedule is."""
FILES = {
    "neuromf/__init__.py": "",
    "neuromf/golden/__init__.py": "",
    "neuromf/golden/case.py": """
from types import SimpleNamespace


def read_case(name, cases):
    return SimpleNamespace(config=cases / name / "trace.cpu-fp32.csv", contract=SimpleNamespace(steps=3))
""",
    "neuromf/golden/runner.py": """
import contextlib
import csv
import io
from types import SimpleNamespace

from neuromf.rate import RATE


def threads(count):
    return contextlib.nullcontext()


def run_steps(config, steps):
    rows = list(csv.DictReader(config.open()))[:steps]
    written = io.StringIO()
    table = csv.DictWriter(written, rows[0], lineterminator="\\n")
    table.writeheader()
    table.writerows({**row, "lr": float(row["lr"]) * RATE} for row in rows)
    return SimpleNamespace(csv=written.getvalue())
""",
    RATE: "RATE = 1.0\n",
}


def write_rated_code(folder: Path) -> None:
    """Write what a run of a golden case imports; it gives the kept trace's first three steps."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

"""Reports of measurements, each with the machine and the day they were made."""

from __future__ import annotations

import datetime
import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    import pytest


def where_and_when() -> dict[str, str]:
    """Machine, Python and torch, and the day."""
    machine = f"{platform.machine()} CPU, Python {platform.python_version()}, torch {torch.__version__}"
    return {"machine": machine, "date": datetime.date.today().isoformat()}


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Write a report with machine and day."""
    path.write_text(json.dumps({**report, **where_and_when()}, indent=1) + "\n")


def show_report(request: pytest.FixtureRequest, path: Path, report: Mapping[str, Any]) -> None:
    """Print a bench's report, and write it where the tests were called with --store."""
    print(json.dumps({**report, **where_and_when()}))
    if request.config.getoption("--store"):
        write_report(path, report)

"""What a process that answers a probe needs around it, wherever it runs."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[3]
"""Folder that holds the packages: a worker must run the code of its bisect."""
ONE_CORE = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


def worker_environment() -> dict[str, str]:
    """Variables of a worker, beside those of the bisect: one core, and the packages of the bisect before all others."""
    path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part)
    return {**ONE_CORE, "PYTHONPATH": path}

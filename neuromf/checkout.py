"""Where the project's own files lie: in a checkout at its root, in an installed wheel inside the package."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).parents[1]
"""Folder that holds the package."""


def golden_folder() -> Path:
    """The folder of golden data; the build of a wheel puts what an installation needs into `neuromf/_golden`."""
    packed = Path(__file__).with_name("_golden")
    return packed if packed.is_dir() else ROOT / "golden"


def source_root() -> Path | None:
    """The checkout this code runs from, None when it is installed without its tests."""
    return ROOT if (ROOT / "tests" / "laws").is_dir() else None


def python_path(root: Path = ROOT) -> str:
    """The value of PYTHONPATH with which a process imports the code of a checkout, or of the installation at `root`."""
    return os.pathsep.join(str(folder) for folder in (root, root / "spec") if folder.is_dir())


def before_others(root: Path = ROOT) -> dict[str, str]:
    """The variable with which a process finds that code before what the present one would look through."""
    return {
        "PYTHONPATH": os.pathsep.join(part for part in (python_path(root), os.environ.get("PYTHONPATH", "")) if part)
    }

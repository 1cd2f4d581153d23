"""Use an installed neuromf from an empty folder: `python tools/wheel/use.py`, where the wheel is installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import files
from pathlib import Path

COMMANDS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (0, ("--version",)),
    (1, ("gate", "failed_225", "--static")),
    (0, ("gate", "recommended", "--static")),
    (0, ("laws", "show", "JVP-003")),
    (0, ("replay", "failed_225", "--out", "replayed")),
    (0, ("golden", "run", "x_exact")),
    (0, ("train", "smoke", "--out", "run", "--set", "data.demo_subjects=4", "--max-steps", "2")),
    (0, ("report", "run", "--out", "report.html")),
    (0, ("compare", "run", "run")),
)
"""Exit code that is expected, and what a user types."""


def top_level() -> set[str]:
    """What the installation put into site-packages beside its own metadata."""
    tops = {path.parts[0] for path in files("neuromf") or () if path.parts[0] not in ("..", "__pycache__")}
    return {name for name in tops if not name.endswith(".dist-info")}


def main() -> int:
    """Run every command; return 1 when one ends otherwise than expected."""
    if top_level() != {"neuromf", "neuromf_spec"}:
        print(f"the wheel installs {sorted(top_level())}")
        return 1
    command = shutil.which("neuromf", path=str(Path(sys.executable).parent))
    assert command is not None  # the wheel's console script
    with tempfile.TemporaryDirectory() as folder:
        for expected, arguments in COMMANDS:
            ended = subprocess.run([command, *arguments], cwd=folder, capture_output=True, text=True, check=False)
            print(f"exit code {ended.returncode}: neuromf {' '.join(arguments)}")
            if ended.returncode != expected:
                print(ended.stdout, ended.stderr, f"expected {expected}", sep="\n")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

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

IMPORT = """
import sys, time
start = time.process_time()
import neuromf
spent = time.process_time() - start
print(f"import neuromf: {1000 * spent:.0f} ms, torch {'is' if 'torch' in sys.modules else 'is not'} loaded")
sys.exit(not spent <= 0.05 or 'torch' in sys.modules)
"""
"""A library's import is paid by whoever uses one name of it: at most 50 ms, and torch only when it is needed."""


def top_level() -> set[str]:
    """What the installation put into site-packages beside its own metadata."""
    tops = {path.parts[0] for path in files("neuromf") or () if path.parts[0] not in ("..", "__pycache__")}
    return {name for name in tops if not name.endswith(".dist-info")}


def main() -> int:
    """Import the library and run every command; return 1 when one ends otherwise than expected."""
    if top_level() != {"neuromf", "neuromf_spec"}:
        print(f"the wheel installs {sorted(top_level())}")
        return 1
    command = shutil.which("neuromf", path=str(Path(sys.executable).parent))
    assert command is not None  # the wheel's console script
    with tempfile.TemporaryDirectory() as folder:
        if subprocess.run([sys.executable, "-c", IMPORT], cwd=folder, check=False).returncode:
            print("importing neuromf takes more than 50 ms, or loads torch")
            return 1
        for expected, arguments in COMMANDS:
            ended = subprocess.run([command, *arguments], cwd=folder, capture_output=True, text=True, check=False)
            print(f"exit code {ended.returncode}: neuromf {' '.join(arguments)}")
            if ended.returncode != expected:
                print(ended.stdout, ended.stderr, f"expected {expected}", sep="\n")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A `neuromf` on the search path, for scripts that call it by its name."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECORD = "import json, os, sys; open(os.environ['CALLS'], 'a').write(json.dumps(sys.argv[1:]) + '\\n')"


def environment(folder: Path, *, real: bool, code: int = 0) -> dict[str, str]:
    """Variables of a process that finds `python` and `neuromf` in a folder.

    Args:
        folder: an empty one, for the two commands.
        real: whether `neuromf` is this checkout's; else it appends its arguments to the file `CALLS` in the folder.
        code: exit code of one that is not real.
    """
    folder.mkdir()
    calls = "-m neuromf" if real else f'-c "{RECORD}; sys.exit({code})"'
    for name, words in {"neuromf": calls, "python": ""}.items():
        (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        (folder / name).chmod(0o755)
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "spec")))
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "CALLS": str(folder / "CALLS")}

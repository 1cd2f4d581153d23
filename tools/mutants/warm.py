"""Run a pytest selection once for each of several changes, in forks of one process that has imported what is slow.

`python -m tools.mutants.warm` reads `{"names": [...], "arguments": [...]}` and prints the names of changes that no test
noticed, one a line.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
from collections.abc import Sequence

SLOW = ("torch", "monai.networks.nets", "pandera.pandas", "scipy.stats", "nilearn", "matplotlib.figure", "hypothesis")
"""Imports that take seconds, and are the same for every change."""
LONGEST = (300, 1800)
"""Seconds of a processor and of the clock after which a selection loops or hangs; the longest of an area takes 90."""


def unnoticed(name: str, arguments: Sequence[str]) -> bool:
    """Whether pytest passes with a change, in a fork."""
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (LONGEST[0], LONGEST[0]))
        signal.alarm(LONGEST[1])
        os.environ["MUTANT_UNDER_TEST"] = name
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        import pytest

        os._exit(int(pytest.main(list(arguments))))
    return os.waitpid(child, 0)[1] == 0


def main() -> None:
    """Read what is asked, try it, tell."""
    asked = json.load(sys.stdin)
    for module in SLOW:
        importlib.import_module(module)
    for name in asked["names"]:
        if unnoticed(name, asked["arguments"]):
            print(name, flush=True)


if __name__ == "__main__":
    main()

"""`python -m neuromf.sweep.child ARGUMENTS...`: the `neuromf` command, which a closed standard input ends like SIGTERM.

So a training of a sweep that was killed saves itself and ends, and does not go on beside the one that is resumed.
"""

from __future__ import annotations

import os
import runpy
import signal
import threading


def _end_with_the_sweep() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Listen, then run the command."""
    threading.Thread(target=_end_with_the_sweep, daemon=True).start()
    runpy.run_module("neuromf", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

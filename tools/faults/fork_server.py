"""A process that has imported the libraries, and forks one that runs pytest for each request.

Most selections take a second, and the import of torch takes five. Nothing of neuromf is imported here: each request
names the copy of the code that its own process imports.

A request is a line of JSON on standard input: `tree`, `arguments`, `path` (folders to import from), `output` (a file),
`seconds` (the longest). The reply is the exit code on a line, `null` where there was no end within that time.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
from typing import Any

LIBRARIES = (
    "torch", "torch.func", "torch.utils.tensorboard", "monai.apps.generation.maisi.networks.autoencoderkl_maisi",
    "monai.inferers", "monai.networks.nets", "scipy.stats", "scipy.optimize", "scipy.ndimage", "pandas",
    "pandera.pandas", "matplotlib.figure", "nibabel", "pydantic", "jinja2", "rich.table", "typer", "safetensors.torch",
)  # fmt: skip
"""What tests take longest to import."""
POLL = 0.02
"""Seconds between two looks at a process."""


def serve() -> None:
    """Answer requests until standard input ends."""
    for library in LIBRARIES:
        importlib.import_module(library)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            _run(request)
        print(json.dumps(_wait(child, request["seconds"])), flush=True)


def _run(request: dict[str, Any]) -> None:
    """In the process that was forked: run pytest, and end without what the server would do at its end."""
    code = 3
    try:
        os.setsid()
        output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        nothing = os.open(os.devnull, os.O_RDONLY)
        for stream, file in ((0, nothing), (1, output), (2, output)):
            os.dup2(file, stream)
        os.chdir(request["tree"])
        # As a Python that starts there would have them.
        sys.path[:] = [request["tree"], *request["path"], *(part for part in sys.path[1:] if part)]
        os.environ["PYTHONPATH"] = os.pathsep.join(request["path"])
        sys.argv = ["pytest", *request["arguments"]]

        import pytest

        code = int(pytest.main(request["arguments"]))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wait(child: int, seconds: float) -> int | None:
    """The exit code; what takes too long is ended with all that it started."""
    last = time.monotonic() + seconds
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > last:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(POLL)


if __name__ == "__main__":
    serve()

"""What is printed to a terminal that is gone is dropped; every other error of a stream is as ever."""

from __future__ import annotations

import errno
import os
import pty
import subprocess
import sys

import pytest

from neuromf.cli.lasting_output import LastingStream

LOSE = """
import os, sys
from neuromf.cli.lasting_output import lasting_output
with lasting_output():
    print("seen", flush=True)
    sys.stdin.readline()
    print("lost", flush=True)
    print("lost", file=sys.stderr, flush=True)
    print("held back")
os.write(3, b"went on")
"""


def test_a_program_goes_on_when_its_terminal_is_gone():
    """It hears nothing of it, and ends with code 0."""
    master, terminal = pty.openpty()
    heard, told = os.pipe()
    program = subprocess.Popen(
        [sys.executable, "-c", f"import os; os.dup2({told}, 3)\n{LOSE}"], pass_fds=[told], stdin=subprocess.PIPE,
        stdout=terminal, stderr=terminal,
    )  # fmt: skip
    os.close(terminal)
    os.close(told)
    assert os.read(master, 100).startswith(b"seen")
    os.close(master)
    program.communicate(b"\n", timeout=60)
    assert (os.read(heard, 100), program.returncode) == (b"went on", 0)
    os.close(heard)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EPIPE])
def test_another_error_is_raised(code):
    """A full disk or a reader that left is no lost terminal."""

    class Refusing:
        def write(self, _text):
            raise OSError(code, os.strerror(code))

    with pytest.raises(OSError, match=os.strerror(code)):
        LastingStream(Refusing()).write("text")

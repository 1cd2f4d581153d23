"""A training of a sweep ends itself when the process that started it is gone, however that went."""

import signal
import subprocess
import sys

CODE = """
import runpy, time
from neuromf.sweep import child
runpy.run_module = lambda *given, **more: (print("trains", flush=True), time.sleep(20))
child.main()
"""


def test_a_training_ends_when_its_sweep_is_gone():
    """Its standard input closes with the sweep, and it is told as by a scheduler, so that it saves itself."""
    with subprocess.Popen(
        [sys.executable, "-c", CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout.readline() == "trains\n"
        child.stdin.write("what a sweep would say\n")
        child.stdin.flush()
        assert child.poll() is None
        child.stdin.close()
        assert child.wait(timeout=10) == -signal.SIGTERM

"""What a process runs in the code of another commit: a golden case. Apart, for it is had without importing torch."""

SCRIPT = """
import sys
from pathlib import Path
try:
    from neuromf.golden.case import read_case
    from neuromf.golden.runner import run_steps, threads
except ImportError:  # a commit from before the harness moved into neuromf
    from tools.golden.case import read_case
    from tools.golden.noise import threads
    from tools.golden.runner import run_steps
case = read_case(sys.argv[1], Path(sys.argv[2]))
with threads(1):
    Path(sys.argv[3]).write_text(run_steps(case.config, case.contract.steps).csv)
"""

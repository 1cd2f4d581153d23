"""A bisect in a process of its own, to be killed: `python interrupted_bisect.py JOURNAL SECONDS_PER_PROBE`."""

import sys
import time
from pathlib import Path

from neuromf.bisect.engine import Engine, bisect
from neuromf.bisect.journal import ProbeJournal
from neuromf.bisect.posterior import Rates
from neuromf.bisect.question import Question
from tools.studies.bisect_simulation.simulated import SimulatedOracle

NAMES = ("a", "b", "c", "d", "e", "f")
QUESTION = {"good": "0" * 64, "bad": "1" * 64, "oracle": "simulated", "budget": 200, "seed": 0}
ORACLE = SimulatedOracle(causes=(0b10010,), rates=Rates(), seed=3)


def open_journal(path):
    """The journal of the one question that is asked here."""
    return ProbeJournal(path, QUESTION, NAMES)


def engine():
    """The engine of that question."""
    return Engine(Question(weights=(1.0,) * len(NAMES)))


if __name__ == "__main__":

    def slow(probe):
        time.sleep(float(sys.argv[2]))
        return ORACLE(probe)

    with open_journal(Path(sys.argv[1])) as journal:
        print(bisect(engine(), slow, journal).causes)

"""A bisect with one probe at a time, kept in a journal."""

from __future__ import annotations

from neuromf.bisect.engine import Engine
from neuromf.bisect.journal import Journal
from neuromf.bisect.oracle import Oracle, Probe
from neuromf.bisect.question import Conclusion


def bisect(engine: Engine, oracle: Oracle, journal: Journal) -> Conclusion:
    """Go on where the journal ends: first with the probes that were started and never finished.

    Args:
        engine: what chooses the probes.
        oracle: what answers them.
        journal: open journal of the same question.
    """
    for probe in journal.pending:
        journal.finish(probe, oracle(probe))
    while not isinstance(step := engine.next_probe(journal.observations), Conclusion):
        if not isinstance(step, Probe):
            raise RuntimeError("the engine waits although nothing runs")
        journal.start(step)
        journal.finish(step, oracle(step))
    return step

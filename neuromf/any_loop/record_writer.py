"""Writes the record of a loop; what the disk refuses is told once, for a loop does not end for its record."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neuromf.any_loop.record import is_loop_record, read_facts, write_facts
from neuromf.any_loop.trace_writer import LoopTrace
from neuromf.data.staging import refuse_occupied
from neuromf.errors import InputError
from neuromf.monitor.events import Event, append_event, drop_events
from neuromf.training.records.pace import PaceWriter
from neuromf.training.records.run_folder import RunFolder

LOG = logging.getLogger("neuromf")


class LoopRecord:
    """An open record.

    Args:
        root: its folder.
        step: first step to come; what the folder holds of that step and later ones will be made again.
        facts: what is known of the loop.
        replace: whether a record that is there may go.

    Raises:
        InputError: a new loop finds a folder that is not empty, or one that goes on does not find its steps.
    """

    def __init__(self, root: Path, step: int, facts: Mapping[str, Any], *, replace: bool) -> None:
        self.root, self._run, self._lost = root, RunFolder(root), False
        if step == 0:
            _make_room(root, replace=replace)
            root.mkdir(parents=True, exist_ok=True)
        elif not is_loop_record(root):
            remedy = "give the folder that the loop began with, or begin with a guard without its state"
            raise InputError(f"does not hold the first {step} steps of the loop", remedy=remedy, file=root)
        self._facts = dict(facts) if step == 0 else {**read_facts(root), **facts}
        write_facts(root, self._facts)
        self._trace = LoopTrace(self._run.trace, step)
        drop_events(self._run.events, step)
        self._pace = PaceWriter(self._run.pace, step)

    def step(self, step: int, cells: Mapping[str, float | None]) -> None:
        """One row; a quantity that is new gets its column."""
        self._try(lambda: self._trace.append(step, cells))
        self._try(lambda: self._pace.done(step + 1))

    def tell(self, event: Event) -> None:
        """One event."""
        self._try(lambda: append_event(self._run.events, event))

    def close(self) -> None:
        """The loop is over."""
        self._try(lambda: self._pace.__exit__(None, None, None))
        self._try(self._trace.close)
        self._try(lambda: write_facts(self.root, {**self._facts, "ended": True}))

    def _try(self, action: Any) -> None:  # noqa: ANN401
        try:
            action()
        except (OSError, InputError) as error:
            if not self._lost:
                LOG.warning("neuromf: the guard's record is not whole (%s); the loop goes on", error)
            self._lost = True


def _make_room(root: Path, *, replace: bool) -> None:
    if replace and is_loop_record(root):
        shutil.rmtree(root)
    try:
        refuse_occupied(root)
    except InputError as error:
        remedy = "load the guard's state to go on with it, give another folder, or say replace=True"
        raise InputError("the folder already holds a record or other files", remedy=remedy, file=root) from error

"""One training writes a run at a time: rank 0 holds the lock of its folder from the first look to the last byte."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.lock import OTHER_TRAINING, Lock
from neuromf.training.process_group.ranks import ProcessGroup
from neuromf.training.records.run_folder import RunFolder, open_run


@contextmanager
def only_writer(run: RunFolder, config: Config, group: ProcessGroup, *, resume: bool) -> Iterator[None]:
    """Keep other trainings out of a run while the block runs.

    Raises:
        InputError: one is in it, or has been since this one looked; or its folder cannot be written.
    """
    with ExitStack() as stack:

        def take() -> None:
            stack.enter_context(Lock(run.lock, what=run.root, whose=OTHER_TRAINING))
            _refuse_another(run, config, resume=resume)

        group.run_on_rank_zero(take)
        yield


def _refuse_another(run: RunFolder, config: Config, *, resume: bool) -> None:
    """Two that make a run in one empty folder at once may both take it for theirs, until here."""
    if run.config.exists():
        open_run(run.root, config)
    if run.trace.exists() and not resume:
        remedy = "continue it with --resume or give another --out"
        raise InputError("another training has begun this run meanwhile", remedy=remedy, file=run.root, key="--out")

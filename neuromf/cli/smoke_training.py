"""The two slow parts of the whole gate, each with a progress bar: opening the inputs, and the smoke training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from neuromf.cli.console import progress_bar
from neuromf.gate.judge import LaunchCandidate
from neuromf.training.validation import impossible

if TYPE_CHECKING:
    from neuromf.gate.inputs import Inputs
    from neuromf.gate.smoke import SmokeRun


FEW = 2
"""Threads of a smoke training on a machine where others work too; the gate's time limit is stated for as many."""


@contextmanager
def few_threads() -> Iterator[None]:
    """Compute with a few threads while the block runs."""
    import torch

    from neuromf.golden.runner import threads

    with threads(min(FEW, torch.get_num_threads())):
        yield


def smoke_training(candidate: LaunchCandidate) -> SmokeRun | None:
    """Train a candidate at small scale; None where torch cannot run it, which the static laws report."""
    if impossible(candidate.config):
        return None

    from neuromf.gate.smoke import run_smoke

    with progress_bar("smoke training") as show:
        return run_smoke(candidate.config, candidate.sources, show, scans=candidate.scans)


def opened_inputs(candidate: LaunchCandidate, *, trains: bool = False) -> Inputs:
    """Look at a candidate's scans and autoencoder; `trains` says that a training will need them.

    Raises:
        InputError: the folder of scans is not there or holds none.
    """
    from neuromf.gate.inputs import open_inputs

    with progress_bar("scans") as show:
        return open_inputs(
            candidate.config, candidate.sources, candidate.scans, trains=trains,
            on_progress=lambda done, total: show(done, total, ""),
        )  # fmt: skip

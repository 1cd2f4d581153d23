"""The gate's smoke training, with a bar while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from neuromf.cli.console import progress_bar
from neuromf.gate.judge import Candidate
from neuromf.training.refusal import impossible

if TYPE_CHECKING:
    from neuromf.gate.smoke import SmokeRun


FEW = 2
"""Threads of a smoke training beside the work of others; the bar of the whole gate is stated for as many."""


@contextmanager
def few_threads() -> Iterator[None]:
    """Compute with a few threads while the block runs."""
    import torch

    from neuromf.golden.runner import threads

    with threads(min(FEW, torch.get_num_threads())):
        yield


def smoke_training(candidate: Candidate) -> SmokeRun | None:
    """Train a candidate at small scale; None where torch cannot run it, which its laws say too."""
    if impossible(candidate.config):
        return None

    from neuromf.gate.smoke import run_smoke

    with progress_bar("smoke training") as show:
        return run_smoke(candidate.config, candidate.sources, show)

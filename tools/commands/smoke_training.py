"""The gate's smoke training, with a bar while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neuromf.train.refusal import impossible
from tools.commands.console import progress_bar
from tools.gate.judge import Candidate

if TYPE_CHECKING:
    from tools.gate.smoke import SmokeRun


def smoke_training(candidate: Candidate) -> SmokeRun | None:
    """Train a candidate at small scale; None where torch cannot run it, which its laws say too."""
    if impossible(candidate.config):
        return None

    from tools.gate.smoke import run_smoke

    with progress_bar("smoke training") as show:
        return run_smoke(candidate.config, candidate.sources, show)

"""A training that validates and stops early, on one or several ranks."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import astuple
from pathlib import Path
from typing import Any

import torch

from neuromf.training.held_out.record import read_validations
from neuromf.training.held_out.validator import Validator
from neuromf.training.loop import train
from neuromf.training.process_group.ranks import ProcessGroup
from neuromf.training.records.run_folder import RunFolder, create_run
from tests.support.rank_worker import CPU, TWO_RANKS, latents
from tests.support.tiny_run import make_tiny_config

COHORT = ("data.demo_subjects=12", "data.split_ratios=[0.5,0.5,0.0]")
EARLY = (
    "training.validate_every_epochs=1", "training.micro_batches_per_epoch=2", "training.epochs=9",
    "training.early_stop_patience=3", "training.early_stop_min_improvement=0.5", "training.learning_rate=1.0e-12",
)  # fmt: skip
"""Nothing improves: of three validations after the first, none is a best."""


def validated_on_ranks(group: ProcessGroup) -> dict[str, Any]:
    """Rows of the validations, the scans that this rank judged, and how the run ended."""
    config = make_tiny_config(*TWO_RANKS, *EARLY)
    run = RunFolder(Path(group.run_on_rank_zero(tempfile.mkdtemp)) / "run")
    group.run_on_rank_zero(lambda: bool(create_run(run.root, config, "none")))
    held_out = torch.flip(latents(), [2])
    outcome = train(config, latents(), run, device=CPU, validation=held_out)
    rows = group.run_on_rank_zero(lambda: [astuple(row) for row in read_validations(run.validations)])
    own = Validator(config, latents(), held_out)._own_scans(group.rank, group.size)
    group.run_on_rank_zero(lambda: shutil.rmtree(run.root.parent))
    return {
        "rows": rows,
        "shares": sorted({place for _, place, _, _ in own}),
        "ending": (outcome.ending.value, outcome.step),
    }

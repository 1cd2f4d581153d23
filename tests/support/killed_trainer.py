"""A training in a process of its own, to be killed."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file

from neuromf.training.loop import train
from neuromf.training.records.run_folder import RunFolder, create_run
from tests.support.tiny_run import make_tiny_config

LONGER = ("training.checkpoint_every_steps=1", "training.epochs=3")
"""Nine steps with a checkpoint each, so that there is time to kill it."""


def train_or_resume(run: Path, latents: Path) -> None:
    """Train, or go on where the run's folder is there."""
    torch.set_num_threads(1)
    config = make_tiny_config(*LONGER)
    resume = (run / "config.yaml").exists()
    folder = RunFolder(run) if resume else create_run(run, config, "")
    train(config, load_file(latents)["latents"], folder, device=torch.device("cpu"), resume=resume)

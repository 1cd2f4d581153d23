"""A training in a process of its own, to be killed.

`python -m tests.support.killed_trainer RUN LATENTS` trains or resumes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

from neuromf.training.loop import train
from neuromf.training.records.run_folder import RunFolder, create_run
from tests.support.tiny_run import make_tiny_config

LONGER = ("training.checkpoint_every_steps=1", "training.epochs=3")
"""Nine steps with a checkpoint each, so that there is time to kill it."""

if __name__ == "__main__":
    torch.set_num_threads(1)
    run, config = Path(sys.argv[1]), make_tiny_config(*LONGER)
    resume = (run / "config.yaml").exists()
    folder = RunFolder(run) if resume else create_run(run, config, "")
    latents = load_file(sys.argv[2])["latents"]
    train(config, latents, folder, device=torch.device("cpu"), resume=resume)

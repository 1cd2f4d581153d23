"""A run that is trained in a test, with a cache of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from neuromf.config import Config
from neuromf.data.covariates import read_covariates
from neuromf.training import loop
from neuromf.training.latents.frozen import begin
from neuromf.training.records.run_folder import create_run


def trained_run(
    folder: Path, patch: pytest.MonkeyPatch, config: Config, *, real: int = 0, cache: Path | None = None
) -> Path:
    """Train a run to its end on the CPU; its folder.

    Args:
        folder: which holds the run, and the cache where none is given.
        patch: keeps the cache named until it is undone.
        config: the run.
        real: latents that it keeps.
        cache: in place of that of the folder.
    """
    patch.setenv("NEUROMF_CACHE", str(cache or folder / "cache"))
    beginning = begin(config)
    run = create_run(
        folder / "run", config, beginning.store.description.content_hash,
        keep=lambda made: beginning.keep(made, real=real),
    )  # fmt: skip
    store = beginning.store
    covariates = read_covariates(run.latents, config.covariates, store.scan_ids("train"), store.scan_ids("validation"))
    loop.train(
        config, store.split("train"), run, device=torch.device("cpu"), validation=store.split("validation"),
        covariates=covariates,
    )  # fmt: skip
    return run.root

"""A run on real anatomy with as many scans held out as trained on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from neuromf.config import Config
from neuromf.evaluation.metrics import bootstrap
from neuromf.training import loop
from neuromf.training.latents.frozen import begin
from neuromf.training.records.run_folder import create_run
from tests.support.tiny_run import make_tiny_config

HEADS = 36
"""Twelve in each split."""


@pytest.fixture(scope="module", autouse=True)
def _few_resamples() -> Iterator[None]:
    """A fifth of the time; what intervals hold is tested on their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "RESAMPLES", 40)
        yield


@pytest.fixture(scope="session")
def evaluated_config() -> Config:
    """Six steps on twelve heads; twelve others for validation, twelve for the test."""
    thirds = "data.split_ratios=[0.3334,0.3333,0.3333]"
    return make_tiny_config(f"data.demo_subjects={HEADS}", thirds)


@pytest.fixture(scope="session")
def evaluated_run(tmp_path_factory: pytest.TempPathFactory, evaluated_config: Config) -> Iterator[Path]:
    """The folder of that run; the cache that holds its latents is there as long as the tests are."""
    folder = tmp_path_factory.mktemp("evaluated")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROMF_CACHE", str(folder / "cache"))
        beginning = begin(evaluated_config)
        run = create_run(
            folder / "run", evaluated_config, beginning.store.description.content_hash,
            keep=lambda made: beginning.keep(made, real=2),
        )  # fmt: skip
        loop.train(evaluated_config, beginning.store.split("train"), run, device=torch.device("cpu"))
        yield folder / "run"

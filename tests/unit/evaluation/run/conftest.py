"""A run on real anatomy with as many scans held out as trained on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from neuromf.config import Config
from neuromf.evaluation.metrics import bootstrap
from tests.support.decoded_once import decode_once
from tests.support.shared_cache import shared_cache
from tests.support.tiny_run import make_tiny_config
from tests.support.trained_run import trained_run

HEADS = 36
"""Twelve in each split."""


@pytest.fixture(scope="module", autouse=True)
def _few_resamples() -> Iterator[None]:
    """A fifth of the time; what intervals hold is tested on their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "RESAMPLES", 40)
        yield


@pytest.fixture(scope="session", autouse=True)
def _decoded_once() -> Iterator[None]:
    """Most of these tests evaluate the same scans and samples."""
    with pytest.MonkeyPatch.context() as patch:
        decode_once(patch)
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
        yield trained_run(folder, patch, evaluated_config, real=2, cache=shared_cache(tmp_path_factory))

"""Fixtures of tests that train: real MRI latents, small enough to train on in a test."""

from __future__ import annotations

import pytest
import torch

from neuromf.config import Config
from neuromf.training.latents.store import training_store
from tests.support.shared_cache import shared_cache
from tests.support.tiny_run import make_tiny_config


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """The networks of these tests are too small to share out, and waiting threads slow a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture
def tiny_config() -> Config:
    """A configuration that trains in about two seconds."""
    return make_tiny_config()


@pytest.fixture(scope="session")
def real_latents(tmp_path_factory: pytest.TempPathFactory) -> torch.Tensor:
    """Normalised training latents of the demo cohort, (3, 4, 8, 8, 8)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROMF_CACHE", str(shared_cache(tmp_path_factory)))
        return training_store(make_tiny_config()).split("train")

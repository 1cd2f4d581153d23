"""A cache of latents that all workers of a test session have in common."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def shared_cache(factory: pytest.TempPathFactory) -> Path:
    """For `NEUROMF_CACHE` of fixtures that need latents as they are made: one worker makes them, the others wait."""
    own = factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared-cache"

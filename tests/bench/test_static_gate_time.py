"""Benchmarks: time of what a user waits for."""

from __future__ import annotations

import pytest

from neuromf.config import load_config
from neuromf.config.recipe_files import recipe_sources
from neuromf.gate.static import static_findings

BAR_SECONDS = 0.05
"""The static gate's own share of its 1.0 s; interpreter and imports take the rest."""


@pytest.mark.bench
def test_static_judgement(benchmark):
    """Judging a loaded configuration takes at most 50 ms."""
    config, sources = load_config(["failed_225"]), recipe_sources("failed_225")

    results = benchmark(static_findings, config, sources)

    assert len(results) >= 18
    assert benchmark.stats["median"] <= BAR_SECONDS

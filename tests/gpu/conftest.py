"""GPU lanes: run where there is CUDA, named and counted as not exercised where there is none, never passed."""

from __future__ import annotations

import os

import pytest
import torch

from tests.support.measured_figures import measured, show_figures

__all__ = ["measured"]

NOT_EXERCISED = pytest.StashKey[list[str]]()
REQUIRED = "NEUROMF_REQUIRE_GPU"
"""Set to 1 by whoever needs proof that the GPU lanes ran: without CUDA the session then fails."""


@pytest.fixture(scope="session", autouse=True)
def _threads() -> None:
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS") or min(2, os.cpu_count() or 1)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take the GPU lanes out of the run when there is no CUDA, remembering their names."""
    lanes = [item for item in items if item.get_closest_marker("gpu")]
    if torch.cuda.is_available() or not lanes:
        return
    if os.environ.get(REQUIRED) == "1":
        raise pytest.UsageError(f"{len(lanes)} GPU lanes cannot be exercised: this machine has no CUDA device")
    config.stash[NOT_EXERCISED] = [item.name for item in lanes]
    config.hook.pytest_deselected(items=lanes)
    items[:] = [item for item in items if item not in lanes]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what was measured, and which lanes were not exercised."""
    show_figures(terminalreporter, config)
    names = config.stash.get(NOT_EXERCISED, [])
    if names:
        terminalreporter.section(f"{len(names)} GPU lanes not exercised: no CUDA device")
        for name in names:
            terminalreporter.write_line(f"NOT EXERCISED {name}")

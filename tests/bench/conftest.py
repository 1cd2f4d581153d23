"""Two threads, as the bars are stated for, and the figures that were measured."""

from __future__ import annotations

import os

import pytest
import torch

from tests.support.measured_figures import left_out, measured, show_figures

__all__ = ["left_out", "measured"]


@pytest.fixture(scope="session", autouse=True)
def _threads() -> None:
    torch.set_num_threads(min(2, os.cpu_count() or 1))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print each figure with its bar beside it."""
    show_figures(terminalreporter, config)

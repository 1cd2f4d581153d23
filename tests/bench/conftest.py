"""`nox -s bench -- --store` keeps what was measured under `golden/bench`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

import pytest
import torch

from tools.performance.figures import Figure, store
from tools.performance.machine import describe_machine

COMMAND = "nox -s bench -- --store"
BARS = pytest.StashKey[list[Figure]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch that keeps the figures."""
    parser.addoption("--store", action="store_true", help="keep the measured figures under golden/bench")


@pytest.fixture(scope="session", autouse=True)
def _threads() -> None:
    torch.set_num_threads(min(2, os.cpu_count() or 1))


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[[Iterable[Figure]], None]:
    """Show figures with their bars, keep them when asked to, and fail when one is above its bar."""

    def report(figures: Iterable[Figure]) -> None:
        figures = list(figures)
        request.config.stash.setdefault(BARS, []).extend(figures)
        if request.config.getoption("--store"):
            store(describe_machine(torch.device("cpu")), COMMAND, figures)
        assert [figure for figure in figures if not figure.held] == []

    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print each figure with its bar beside it."""
    figures = config.stash.get(BARS, [])
    if figures:
        terminalreporter.section("figures and bars")
    for figure in figures:
        bar = "" if figure.bar is None else f"at most {figure.bar:g}: {'held' if figure.held else 'MISSED'}"
        terminalreporter.write_line(f"{figure.name:<58}{figure.value:>10.3g} {figure.unit:<4} {bar}")

"""The fixture that shows, judges and keeps measured figures; `--store` keeps them under `golden/bench/devices`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
import torch

from tools.performance.figures import Figure, store
from tools.performance.machine import describe_machine

SHOWN = pytest.StashKey[list[Figure]]()
LEFT_OUT = pytest.StashKey[list[str]]()
Report = Callable[..., None]


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Report:
    """Show figures with their bars, keep them when asked to, and fail when one is above its bar."""

    def report(figures: Iterable[Figure], device: torch.device, command: str) -> None:
        figures = list(figures)
        request.config.stash.setdefault(SHOWN, []).extend(figures)
        if request.config.getoption("--store"):
            store(describe_machine(device), command, figures)
        assert [figure for figure in figures if not figure.held] == []

    return report


@pytest.fixture
def left_out(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Say beside the figures which one this machine cannot give, and why."""
    return request.config.stash.setdefault(LEFT_OUT, []).append


def show_figures(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print each figure with its bar beside it."""
    figures = config.stash.get(SHOWN, [])
    notes = config.stash.get(LEFT_OUT, [])
    if figures or notes:
        terminalreporter.section("figures and bars")
    for figure in figures:
        bar = "" if figure.bar is None else f"at most {figure.bar:.3g}: {'held' if figure.held else 'MISSED'}"
        terminalreporter.write_line(f"{figure.name:<58}{figure.value:>10.3g} {figure.unit:<4} {bar}")
    for note in notes:
        terminalreporter.write_line(note)

"""The console of the commands: rich text on a terminal, plain text when piped; and the progress bar."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

PLAIN_WIDTH = 160
"""Columns of a table in a pipe, where no terminal says how many fit."""


class ShowProgress(Protocol):
    """Moves a bar."""

    def __call__(self, done: int, total: int, note: str, stage: str = ...) -> None:
        """Show that so much is done, with a note, under the label of a stage."""


def make_console() -> Console:
    """Console on standard output; it takes text as it is, for the name of a path may look like markup or an emoji."""
    console = Console(highlight=False, markup=False, emoji=False)
    return console if console.is_terminal else Console(highlight=False, markup=False, emoji=False, width=PLAIN_WIDTH)


@contextmanager
def progress_bar(label: str, *, shown: bool = True) -> Iterator[ShowProgress]:
    """Show a bar on standard error while the block runs, unless it is not `shown`.

    Yields:
        A function of (done, total, note) that moves it; with another label as the fourth it begins anew under that.
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as progress:
        task = progress.add_task(label, total=None, note="", visible=False)
        named = label

        def show(done: int, total: int, note: str, stage: str = label) -> None:
            nonlocal named
            if stage != named:  # what comes next has a speed of its own
                named = stage
                progress.reset(task, description=stage)
            progress.update(task, completed=done, total=total, note=note, visible=True)

        yield show

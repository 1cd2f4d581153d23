"""`neuromf watch`: shows a run while it trains."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuromf.cli.options import NotifyOption, check_interval

if TYPE_CHECKING:
    from rich.console import Console

    from neuromf.monitor.notice import Notifier
    from neuromf.watch.watcher import View, Watcher


def watch(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a training, running or not.")],
    once: Annotated[bool, typer.Option("--once", help="Show how the run stands, and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As --once, as JSON.")] = False,
    interval: Annotated[float, typer.Option("--interval", help="Seconds between two looks.")] = 2.0,
    notify: NotifyOption = None,
) -> None:
    """Show a run until it ends; exit 0, or the training's 16 (halted) or 17 (irreproducible); --once: 1 if silent."""
    check_interval(interval)

    from neuromf.cli.console import make_console
    from neuromf.watch.status import EXIT_CODES
    from neuromf.watch.watcher import Watcher

    watcher, console = Watcher(run), make_console()
    notifier = _notifier(notify, run)
    look = _telling(watcher, notifier)
    try:
        if once or as_json:
            view = look()
            _show_once(view, console, run, as_json=as_json)
        elif console.is_terminal:
            view = _show_live(look, console, run, interval)
        else:
            view = _show_lines(look, interval)
    except KeyboardInterrupt:  # the usual way to stop looking; the run goes on
        raise typer.Exit(0) from None
    finally:
        if notifier is not None:
            notifier.settle()
    raise typer.Exit(EXIT_CODES.get(view.status.state, 0))


def _notifier(target: str | None, run: Path) -> Notifier | None:
    if target is None:
        return None
    from neuromf.monitor.notice import Notifier

    return Notifier(target, run.resolve())


def _telling(watcher: Watcher, notifier: Notifier | None) -> Callable[[], View]:
    """A look that also sends what is new: alarms, and that a run has stopped writing."""
    from neuromf.monitor.events import Event
    from neuromf.watch.status import RunState

    def look() -> View:
        view = watcher.look()
        if notifier is not None:
            for event in view.alarms:
                notifier.tell(event)
            if view.status.state is RunState.SILENT:
                notifier.tell(Event(step=view.status.step, level="halt", law="", message=view.status.reason))
        return view

    return look


def _show_once(view: View, console: Console, run: Path, *, as_json: bool) -> None:
    from neuromf.json_text import json_text
    from neuromf.watch.document import document
    from neuromf.watch.screen import screen

    if as_json:
        print(json_text(document(view)))
    else:
        console.print(screen(view, str(run)))


def _show_live(look: Callable[[], View], console: Console, run: Path, interval: float) -> View:
    """Draw the screen anew at each look until the run has ended."""
    from rich.live import Live

    from neuromf.watch.screen import screen
    from neuromf.watch.status import ENDED

    view = look()
    with Live(screen(view, str(run)), console=console, auto_refresh=False) as live:
        while view.status.state not in ENDED:
            time.sleep(interval)
            view = look()
            live.update(screen(view, str(run)), refresh=True)
    return view


def _show_lines(look: Callable[[], View], interval: float) -> View:
    """Print a line for each look that found something new, and each alarm once, until the run has ended."""
    from neuromf.watch.screen import alarm_line, ending_line, saturation_warning, status_line
    from neuromf.watch.status import ENDED

    known: set[str] = set()
    before: tuple[object, int] | None = None
    while True:
        view = look()
        for line in (saturation_warning(view), *map(alarm_line, view.alarms)):
            if line and line not in known:
                print(line, flush=True)
                known.add(line)
        present = (view.status.state, view.status.step)
        if present != before:
            print(status_line(view), flush=True)
        before = present
        if view.status.state in ENDED:
            print(ending_line(view), flush=True)
            return view
        time.sleep(interval)

"""`neuromf diagnose`: what a log of any training says."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuromf.cli.options import check_interval
from neuromf.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from neuromf.diagnosis.logs.verdict import LogVerdict


def diagnose(
    path: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="A run's folder, or a log: CSV, JSON lines, TensorBoard, MLflow, ..."),
    ],
    config: Annotated[
        str | None, typer.Option("--config", metavar="F", help="The run's YAML, ours or one that gate --facts reads.")
    ] = None,
    mapped: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="RAW_TOTAL=COLUMN", help="What a column is; may be given several times."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON to standard output.")] = False,
    page: Annotated[Path | None, typer.Option("--report", metavar="F.HTML", help="HTML page to write.")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Look again until an alarm; exit 1 then.")] = False,
    interval: Annotated[float, typer.Option("--interval", help="With --follow: seconds between looks.")] = 30.0,
) -> None:
    """Say whether a training went wrong, since when and why; exit 0 healthy, 1 alarms, 2 unreadable, 3 cannot tell."""
    from neuromf.diagnosis.logs.diagnosed import diagnose_path
    from neuromf.diagnosis.logs.knowledge import knowledge_of
    from neuromf.diagnosis.logs.verdict import worst

    if page is not None:
        from neuromf.report.page import check_page

        check_page(page, "--report")
    check_interval(interval)
    said = dict(map(_pair, mapped or []))
    known = None if config is None else knowledge_of(config)

    def look() -> list[LogVerdict]:
        return [verdict for each in path for verdict in diagnose_path(each, said, known)]

    verdicts = _follow(look, interval) if follow else look()
    if page is not None:
        from neuromf.output import write_output
        from neuromf.report.log_page import log_page

        write_output(page, log_page(verdicts))
    _show(verdicts, page, as_json=as_json)
    raise typer.Exit(worst(verdicts))


def _pair(text: str) -> tuple[str, str]:
    quantity, sign, column = text.partition("=")
    if not (quantity and sign and column):
        raise InputError(f"'{text}' names no column", remedy="write --map raw_total=train/raw_loss", key="--map")
    return quantity, column


def _follow(look: Callable[[], list[LogVerdict]], interval: float) -> list[LogVerdict]:
    """Print each answer that is new until one is an alarm, or until Ctrl-C."""
    import sys

    from neuromf.diagnosis.logs.told import headline
    from neuromf.diagnosis.logs.verdict import Health

    told: list[str] = []
    while True:
        verdicts = look()
        lines = [headline(verdict) for verdict in verdicts]
        for line in lines:
            if line not in told:
                print(line, file=sys.stderr, flush=True)
        told = lines
        if any(verdict.health is Health.ALARMS for verdict in verdicts):
            return verdicts
        try:
            time.sleep(interval)
        except KeyboardInterrupt:  # the usual way to stop looking
            return verdicts


def _show(verdicts: Sequence[LogVerdict], page: Path | None, *, as_json: bool) -> None:
    from neuromf.cli.console import make_console
    from neuromf.diagnosis.logs.document import log_document
    from neuromf.json_text import json_text

    if as_json:
        print(json_text(log_document(verdicts)))
        return
    console = make_console()
    for verdict in verdicts:
        _print(console, verdict)
    if page is not None:
        console.print(f"the page is {page}", soft_wrap=True, markup=False)


def _print(console: Console, verdict: LogVerdict) -> None:
    from neuromf.cli.explanation import suspect_lines
    from neuromf.diagnosis.logs.told import advice, told

    suspects = (f"  {line}" for line in suspect_lines(verdict.suspects))
    for line in (*told(verdict), *suspects, *advice(verdict)):
        console.print(line, soft_wrap=True, markup=False)

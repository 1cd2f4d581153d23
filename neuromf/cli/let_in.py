"""The gate before a training: asked here and now, or earlier, which a ticket proves."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from neuromf.config.resolve import config_hash
from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.training.place import launched_place

REFUSED = "not trained: set what would pass, give leave in a file (--waivers), or say why it is wanted (--despite WHY)"


@dataclass(frozen=True)
class Asked:
    """What whoever starts a run brings along.

    Attributes:
        ticket: a verdict that the gate wrote.
        waivers: a file of laws that may be broken.
        despite: why the run is wanted although laws block it.
    """

    ticket: Path | None
    waivers: Path | None
    despite: str | None

    def __post_init__(self) -> None:
        if self.ticket is not None and (self.waivers is not None or self.despite is not None):
            remedy = "leave these out, for the ticket says what may be broken"
            raise InputError("not with --waivers or --despite", remedy=remedy, key="--ticket")


def let_in(config: Config, layers: Sequence[str], overrides: Sequence[str], asked: Asked) -> str:
    """What the gate says of a new run, as the run is to keep it.

    Raises:
        InputError: the ticket or the file of waivers is no good, or the reason is empty.
        typer.Exit: a law blocks the run and nobody said why it is wanted; exit code 1.
    """
    if asked.ticket is None:
        return _ask_the_gate(config, layers, overrides, asked)

    from neuromf.cli.console import make_console
    from neuromf.gate.ticket import read_ticket

    ticket = read_ticket(asked.ticket)
    ticket.check(config_hash(config), datetime.date.today())
    if launched_place().speaks:
        make_console().print(ticket.record, soft_wrap=True)
    return ticket.record


def _ask_the_gate(config: Config, layers: Sequence[str], overrides: Sequence[str], asked: Asked) -> str:
    """The static gate's word, printed by the first rank; no torch is loaded before it."""
    from neuromf.cli.console import make_console
    from neuromf.gate.admission import Admission
    from neuromf.gate.console import closing_line, print_verdict
    from neuromf.gate.judge import LaunchCandidate, judge
    from neuromf.gate.waivers import all_waivers

    verdict = judge(LaunchCandidate.of(config, layers, overrides), all_waivers(asked.waivers))
    admission = Admission(verdict, asked.despite)
    if launched_place().speaks:
        console = make_console()
        if admission.admitted:
            console.print(closing_line(verdict).append(admission.excuse, style="default"), soft_wrap=True)
        else:
            print_verdict(console, verdict)
            console.print(REFUSED, soft_wrap=True)
    if not admission.admitted:
        raise typer.Exit(1)
    return admission.record

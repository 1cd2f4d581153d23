"""A training starts only with the gate's admission: the static gate passes now, or a ticket proves that it did before.

A ticket is the verdict file of an earlier `neuromf gate --json`.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from neuromf.config.resolve import config_hash
from neuromf.config.schema import Config
from neuromf.data.chosen import Cohort
from neuromf.errors import InputError
from neuromf.training.process_group.place import launched_place

REFUSED = (
    "not trained: set what would pass, waive the laws in a file (--waivers), or give a reason to train a blocked "
    "configuration (--allow-blocked REASON)"
)


@dataclass(frozen=True)
class GateOptions:
    """Options of `neuromf train` that concern the gate.

    Attributes:
        ticket: file of a verdict that `neuromf gate --json` wrote; the gate is not asked again.
        waivers: file of laws that this configuration may break.
        allow_blocked: the user's reason to train although laws block the configuration.
    """

    ticket: Path | None
    waivers: Path | None
    allow_blocked: str | None

    def __post_init__(self) -> None:
        if self.ticket is not None and (self.waivers is not None or self.allow_blocked is not None):
            remedy = "remove these options; the ticket states which laws may be broken"
            raise InputError("cannot be used with --waivers or --allow-blocked", remedy=remedy, key="--ticket")


def require_admission(
    config: Config,
    layers: Sequence[str],
    overrides: Sequence[str],
    options: GateOptions,
    cohort: Cohort | None = None,
) -> str:
    """End the command unless a new run may start.

    Args:
        config: what would be trained.
        layers: recipe and files, as they were typed.
        overrides: `--set` overrides.
        options: ticket, waivers, reason.
        cohort: its scans, which whoever trains need not look for again then.

    Returns:
        The gate's verdict in one line, which the run keeps in `run.json`.

    Raises:
        InputError: the ticket or the file of waivers cannot be used, or the reason is empty.
        typer.Exit: a law blocks the run and no reason to allow that was given; exit code 1.
    """
    if options.ticket is None:
        return _judge_now(config, layers, overrides, options, cohort)

    from neuromf.cli.console import make_console
    from neuromf.gate.ticket import read_ticket

    ticket = read_ticket(options.ticket)
    ticket.check(config_hash(config), datetime.date.today())
    if launched_place().speaks:
        make_console().print(ticket.record, soft_wrap=True)
    return ticket.record


def _judge_now(
    config: Config, layers: Sequence[str], overrides: Sequence[str], options: GateOptions, cohort: Cohort | None
) -> str:
    """The static gate's verdict, printed by the first rank; torch is not loaded for it."""
    from neuromf.cli.console import make_console
    from neuromf.gate.admission import Admission
    from neuromf.gate.console import closing_line, print_verdict
    from neuromf.gate.judge import LaunchCandidate, judge
    from neuromf.gate.waivers import all_waivers

    verdict = judge(LaunchCandidate.of(config, layers, overrides, cohort), all_waivers(options.waivers))
    admission = Admission(verdict, options.allow_blocked)
    if launched_place().speaks:
        console = make_console()
        if admission.admitted:
            console.print(closing_line(verdict).append(admission.allowance, style="default"), soft_wrap=True)
        else:
            print_verdict(console, verdict)
            console.print(REFUSED, soft_wrap=True)
    if not admission.admitted:
        raise typer.Exit(1)
    return admission.record

"""`python -m tools cluster`: a SLURM of two nodes on this machine, and what neuromf's jobs do on it."""

from __future__ import annotations

import tempfile
import time
import traceback
from pathlib import Path
from typing import Annotated

import typer

cluster_app = typer.Typer(help="Rehearse launches on a real SLURM that is started on this machine.")


@cluster_app.callback()
def _group() -> None:
    """Rehearse launches on a real SLURM that is started on this machine."""


@cluster_app.command()
def rehearse(
    only: Annotated[list[str] | None, typer.Option("--only", help="Scenario; all when left out.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder to write to; golden/cluster when left out.")] = None,
    ticket: Annotated[
        Path | None,
        typer.Option("--ticket", help="ticket.json of an earlier rehearsal's launch, instead of that launch."),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="Empty folder for runs and logs, which stays; temporary when left out."),
    ] = None,
) -> None:
    """Install Debian's SLURM where there is none, start it, play the scenarios, stop it, keep what was seen.

    Takes some 20 minutes of two cores, as root. Exit code 1 where something was not as expected.
    """
    from tools.cluster.daemons import install, running, slurm_version
    from tools.cluster.record import FOLDER, Played, keep, without_place
    from tools.cluster.scenarios import SCENARIOS
    from tools.cluster.seen import Seen
    from tools.cluster.training import Workplace

    install()
    first = next(iter(SCENARIOS))  # judges the configuration for all others
    chosen = [
        name for name in SCENARIOS if (not only or name in only or name == first) and not (ticket and name == first)
    ]
    played: list[Played] = []
    with tempfile.TemporaryDirectory(prefix="neuromf-slurm-") as temporary:
        root = (folder or Path(temporary)).absolute()
        (root / "slurm").mkdir(parents=True)
        (root / "work").mkdir()
        place = Workplace(root / "work", ticket)
        with running(root / "slurm"):
            for name in chosen:
                start = time.monotonic()
                try:
                    seen = SCENARIOS[name](place)
                except Exception as error:  # the others are worth playing all the same
                    traceback.print_exc()
                    seen = Seen("no error", {f"{type(error).__name__}: {error}": False})
                seen = without_place(seen, root)
                played.append(Played(name, seen, time.monotonic() - start))
                print(f"{'as expected' if seen.held else 'NOT AS EXPECTED'}: {name} ({played[-1].seconds:.0f} s)")
                print(*(f"  {'yes' if held else 'NO '} {fact}" for fact, held in seen.facts.items()), sep="\n")
                print(*(f"    | {line}" for line in seen.said), sep="\n", flush=True)
                keep(played, slurm_version(), out or FOLDER)  # each at once: one that is stopped was not for nothing
    if not all(one.seen.held for one in played):
        raise typer.Exit(1)

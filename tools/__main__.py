"""`python -m tools`: the commands that keep a checkout in order."""

from __future__ import annotations

import typer

from neuromf.cli.app import run
from tools.commands.bisect_commits import bisect_commits
from tools.commands.bisect_simulate import bisect_simulate
from tools.commands.cluster import cluster_app
from tools.commands.derivative_study import derivative_study
from tools.commands.faults import faults_app
from tools.commands.foreign import foreign
from tools.commands.golden import golden_app
from tools.commands.guard_study import guard_study
from tools.commands.laws import laws_app
from tools.commands.mutants import mutants_app
from tools.commands.outcomes import outcomes
from tools.commands.phase6_study import phase6_study
from tools.commands.times_study import times_study
from tools.commands.torus_study import torus_study

app = typer.Typer(
    help="Keep a checkout of neuromf in order: goldens, laws, known faults, studies.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(golden_app, name="golden")
app.add_typer(laws_app, name="laws")
app.add_typer(faults_app, name="faults")
app.add_typer(mutants_app, name="mutants")
app.add_typer(cluster_app, name="cluster")
app.command(name="guard-study")(guard_study)
app.command(name="bisect-simulate")(bisect_simulate)
app.command(name="torus-study")(torus_study)
app.command(name="derivative-study")(derivative_study)
app.command(name="times-study")(times_study)
app.command(name="phase6-study")(phase6_study)
app.command(name="bisect-commits")(bisect_commits)
app.command(name="outcomes")(outcomes)
app.command(name="foreign")(foreign)

if __name__ == "__main__":
    run(app)

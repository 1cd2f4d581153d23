"""The `neuromf` command: one Typer app; each command imports what it needs when it is called.

Exit codes: 0 pass; 1 blocked or failed; 2 wrong usage or bad input, one sentence, and nothing written but what tells CI
of it (--sarif, --junit, --github); 3 what was found cannot tell; 16 halted by the divergence guard, with a checkpoint;
17 a step that gave other numbers when it was run again; 75 a training that a signal (SIGTERM, SIGUSR1, SIGHUP or
Ctrl-C) ended with a checkpoint, to be queued again with --resume.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

# Read by OpenMP when torch is first imported. Threads that spin while they wait make a step three times slower on a
# machine that is shared (measured: 5.6 s against 2.2 s for a smoke step next to two other processes).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Read by cuBLAS when it is first used: without a fixed workspace its results may differ from run to run.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")

from neuromf.training.process_group.interruption import listen_early

if sys.argv[1:2] in (["train"], ["encode"]):  # on a busy file system it is seconds before the command itself begins
    listen_early()

import typer

from neuromf import __version__
from neuromf.cli.bisect import bisect
from neuromf.cli.compare import compare
from neuromf.cli.conform import conform
from neuromf.cli.data import data_app
from neuromf.cli.diagnose import diagnose
from neuromf.cli.encode import encode
from neuromf.cli.evaluate import evaluate
from neuromf.cli.export import export
from neuromf.cli.gate import gate
from neuromf.cli.golden import golden_app
from neuromf.cli.launch import launch
from neuromf.cli.laws import laws_app
from neuromf.cli.moved import add_moved
from neuromf.cli.plan import plan
from neuromf.cli.renamed import RenamingGroup
from neuromf.cli.replay import replay
from neuromf.cli.report import report
from neuromf.cli.sample import sample
from neuromf.cli.start_of_life import end_at_once
from neuromf.cli.sweep import sweep
from neuromf.cli.train import train
from neuromf.cli.watch import watch
from neuromf.errors import InputError
from neuromf.readable import printable, show_all

app = typer.Typer(
    cls=RenamingGroup,
    help="Train a one-step generative model of brain MRI, and refuse to launch a training that breaks a law.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        print(f"neuromf {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train a one-step generative model of brain MRI, and refuse to launch a training that breaks a law."""


app.command()(gate)
app.command()(encode)
app.command()(train)
app.command()(plan)
app.command()(launch)
app.command()(watch)
app.command()(sample)
app.command()(evaluate)
app.command()(export)
app.command()(replay)
app.command()(compare)
app.command()(diagnose)
app.command()(conform)
app.command()(bisect)
app.command()(sweep)
app.command()(report)
app.add_typer(data_app, name="data")
app.add_typer(laws_app, name="laws")
app.add_typer(golden_app, name="golden")
add_moved(app, {"golden": golden_app, "laws": laws_app})


def main() -> None:
    """Run the `neuromf` command, the last thing that its process does."""
    end_at_once()
    run(app)


def run(commands: typer.Typer) -> None:
    """Run a command line; bad input ends in one sentence and exit code 2."""
    show_all((sys.stdout, sys.stderr))
    try:
        try:
            commands()
        finally:
            sys.stdout.flush()  # now, while an error of a full disk can still be reported
    except InputError as error:
        _refuse(str(error))
    except BrokenPipeError:
        _end_quietly()
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        _refuse(printable(f"{name}{error.strerror or error}; check the path, its permissions and the space left."))
    except UnicodeEncodeError as error:
        # Python itself cannot hand such a name to the system; any other text that cannot be encoded is our fault.
        if error.encoding != sys.getfilesystemencoding() or error.encoding == "utf-8":
            raise
        problem = f"the name {error.object!a} cannot be written in {error.encoding}, this system's encoding of names"
        _refuse(f"{problem}; set LC_ALL=C.UTF-8 or PYTHONUTF8=1.")


def _refuse(sentence: str) -> NoReturn:
    print(f"neuromf: {sentence}", file=sys.stderr)
    sys.exit(2)


def _end_quietly() -> NoReturn:
    """The reader of a pipe has closed it: end without a message, also when the interpreter flushes at its exit."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    sys.exit(1)


if __name__ == "__main__":
    main()

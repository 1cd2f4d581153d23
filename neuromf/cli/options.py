"""Arguments that several commands share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from neuromf.errors import InputError

ConfigArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="CONFIG...",
        help="A recipe (failed_225, flow_matching, phase4c alias corrected, recommended, smoke) or YAML files; later "
        "ones override.",
    ),
]
InitFromOption = Annotated[
    str | None,
    typer.Option(
        "--init-from",
        metavar="RUN[@STEP|@best]",
        help="Start from the averaged weights of another run, @best from its best by validation; the same as "
        "--set training.init_from=RUN@STEP.",
    ),
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="A.B=C", help="Override one key; may be given several times.")
]
WaiversOption = Annotated[Path | None, typer.Option("--waivers", help="TOML file of laws that may be broken.")]
DeviceOption = Annotated[str | None, typer.Option("--device", help="cpu or cuda; cuda when there is one.")]
OutOption = Annotated[Path, typer.Option("--out", help="Folder to create.")]
RealLatentsOption = Annotated[
    int,
    typer.Option(
        "--real-latents",
        min=0,
        max=8,
        envvar="NEUROMF_REAL_LATENTS",
        help="Real training latents that the run's folder keeps, shown next to samples; 0 for none.",
    ),
]
NotifyOption = Annotated[
    str | None,
    typer.Option(
        "--notify",
        metavar="URL|COMMAND",
        help="Post each new alarm as JSON to this URL, or run this command with it on standard input; no shell.",
    ),
]
SHORTEST_S, LONGEST_S = 0.1, 3600.0
"""Between two looks of a command that looks again and again."""


def check_interval(seconds: float) -> None:
    """Refuse a time between two looks that is none.

    Raises:
        InputError: naming the bounds.
    """
    if not SHORTEST_S <= seconds <= LONGEST_S:  # written so that NaN is refused
        remedy = f"give a number from {SHORTEST_S:g} to {LONGEST_S:g}"
        raise InputError(f"{seconds:g} seconds", remedy=remedy, key="--interval")


GivenOption = Annotated[
    list[str] | None,
    typer.Option(
        "--given", metavar="NAME=VALUE", help="A covariate of all samples, as age=70; what is not given is unknown."
    ),
]


def named_values(texts: Sequence[str] | None) -> dict[str, str]:
    """Values by name, of texts such as age=70.

    Raises:
        InputError: one is no such text, or names what another one names.
    """
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value) or name in found:
            problem = f"{text!r} names {name!r} again" if name in found else f"{text!r} names no value"
            raise InputError(problem, remedy="write NAME=VALUE once for each, as age=70", key="--given")
        found[name] = value
    return found


ProgressOption = Annotated[
    Path | None, typer.Option("--progress", metavar="FILE", help="When it ends, say here how far it got; a line.")
]
CheckpointOption = Annotated[
    str | None,
    typer.Option("--checkpoint", metavar="best|latest|STEP", help="Which weights: of the best validation, the newest."),
]
VaeOption = Annotated[
    Path | None, typer.Option("--vae", metavar="FILE", help="The run's autoencoder, where its file lies elsewhere now.")
]


def with_start(override: Sequence[str] | None, init_from: str | None) -> list[str]:
    """Overrides, and what --init-from says as one of them."""
    named = [] if init_from is None else [f"training.init_from={json.dumps(init_from)}"]
    return [*(override or ()), *named]

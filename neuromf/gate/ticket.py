"""A ticket: the JSON file of a gate's verdict, which `neuromf train --ticket` accepts instead of judging again."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from neuromf import __version__
from neuromf.errors import InputError
from neuromf.gate.verdict import SCHEMA

KEY = "--ticket"
REMEDY = "write one with `neuromf gate CONFIG --json FILE`"


class SmokeLength(BaseModel):
    """What a training needs to know of a smoke training."""

    model_config = ConfigDict(strict=True, frozen=True)

    steps: Annotated[int, Field(ge=1)]


class Ticket(BaseModel):
    """The keys of a verdict's JSON that a training reads.

    It is valid for one configuration, for the version of the laws that judged it, and until its first waiver expires.

    Attributes:
        file: its path.
        form: version of the document's form.
        neuromf: version of neuromf whose laws judged.
        status: whether a law blocks it.
        config_hash: of the configuration that was judged.
        blocked: laws that block it.
        waived: laws it breaks with a waiver.
        expires: last day of the waiver that expires first; None where none is needed.
        smoke: of the smoke training; None when only the configuration was judged.
    """

    model_config = ConfigDict(strict=True, frozen=True)

    file: Path = Path()
    form: int = Field(alias="schema")
    neuromf: str
    status: Literal["PASS", "BLOCKED"]
    config_hash: str
    blocked: list[str]
    waived: list[str]
    expires: datetime.date | None
    smoke: SmokeLength | None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.form != SCHEMA:
            raise ValueError(f"schema {self.form}, not {SCHEMA}")
        if (self.status == "BLOCKED") is not bool(self.blocked):
            raise ValueError(f"status {self.status} with {len(self.blocked)} blocking laws")
        if (self.expires is None) is bool(self.waived):
            raise ValueError("expires is the last day of what is waived, and null where nothing is")
        return self

    def check(self, config_hash: str, today: datetime.date) -> None:
        """Make sure that it admits this configuration.

        Raises:
            InputError: it is for another configuration or version, blocks it, or depends on an expired waiver.
        """
        problem = ""
        if self.config_hash != config_hash:
            problem = f"is for another configuration (hash {self.config_hash[:12]}, this one has {config_hash[:12]})"
        elif self.neuromf != __version__:
            problem = f"was written by neuromf {self.neuromf}, this is {__version__}"
        elif self.expires is not None and not today <= self.expires:
            problem = f"depends on a waiver that expired on {self.expires}"
        if problem:
            raise InputError(problem, remedy=REMEDY, file=self.file, key=KEY)
        if self.blocked:
            problem = f"says that the configuration is blocked by {', '.join(dict.fromkeys(self.blocked))}"
            raise InputError(problem, remedy="set what would pass, and ask the gate again", file=self.file, key=KEY)

    @property
    def record(self) -> str:
        """One line for the run's own record."""
        judged = f"a smoke training of {self.smoke.steps} steps" if self.smoke else "the configuration alone"
        waived = f"; waived until {self.expires}: {', '.join(dict.fromkeys(self.waived))}" if self.waived else ""
        return f"PASS, by ticket, for {judged}{waived}"


def read_ticket(path: Path) -> Ticket:
    """Read a verdict that the gate wrote as JSON.

    Raises:
        InputError: the file is no such verdict.
    """
    try:
        return Ticket.model_validate_json(path.read_text(encoding="utf-8")).model_copy(update={"file": path})
    except (OSError, ValueError) as error:
        raise InputError(f"is no verdict of the gate ({_said(error)})", remedy=REMEDY, file=path, key=KEY) from error


def _said(error: OSError | ValueError) -> str:
    """The first thing wrong, in a few words."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return ": ".join([*(str(part) for part in first["loc"]), first["msg"]])
    return str(error.strerror if isinstance(error, OSError) else error)

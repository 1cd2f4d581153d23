"""A verdict as a file, which a training accepts instead of asking the gate again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neuromf.errors import InputError
from tools.gate.verdict import SCHEMA

KEY = "--ticket"
REMEDY = "write one with `neuromf gate CONFIG --json FILE`"


@dataclass(frozen=True)
class Ticket:
    """What a training needs to know of a verdict.

    Attributes:
        file: where it stands.
        config_hash: of the configuration that was judged.
        blocked: laws that block it.
        waived: laws it may break.
        steps: of the smoke training; 0 when only the configuration was judged.
    """

    file: Path
    config_hash: str
    blocked: tuple[str, ...]
    waived: tuple[str, ...]
    steps: int

    def check(self, config_hash: str) -> None:
        """Make sure that it lets this configuration pass.

        Raises:
            InputError: it is for another configuration, or for one that is blocked.
        """
        if self.config_hash != config_hash:
            problem = f"is for another configuration (hash {self.config_hash[:12]}, this one has {config_hash[:12]})"
            raise InputError(problem, remedy=REMEDY, file=self.file, key=KEY)
        if self.blocked:
            problem = f"says that the configuration is blocked by {', '.join(self.blocked)}"
            raise InputError(problem, remedy="set what would pass, and ask the gate again", file=self.file, key=KEY)

    @property
    def record(self) -> str:
        """One line for the run's own record."""
        judged = f"a smoke training of {self.steps} steps" if self.steps else "the configuration alone"
        waived = f"; waived: {', '.join(self.waived)}" if self.waived else ""
        return f"PASS, by ticket, for {judged}{waived}"


def read_ticket(path: Path) -> Ticket:
    """Read a verdict that the gate wrote as JSON.

    Raises:
        InputError: the file is no such verdict.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return _ticket(path, document)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"is no verdict of the gate ({error})", remedy=REMEDY, file=path, key=KEY) from error


def _ticket(path: Path, document: dict[str, Any]) -> Ticket:
    if document["schema"] != SCHEMA:
        raise ValueError(f"schema {document['schema']!r}, not {SCHEMA}")
    blocked, waived, smoke = document["blocked"], document["waived"], document["smoke"]
    if (document["status"] == "PASS") is bool(blocked):
        raise ValueError(f"status {document['status']!r} with {len(blocked)} blocking laws")
    if not all(isinstance(law, str) for law in (*blocked, *waived, document["config_hash"])):
        raise ValueError("laws and the hash of the configuration are texts")
    steps = 0 if smoke is None else int(smoke["steps"])
    return Ticket(path, document["config_hash"], tuple(blocked), tuple(waived), steps)

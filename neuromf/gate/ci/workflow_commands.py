"""The gate's findings as workflow commands: lines of output that GitHub shows on the lines of files.

GitHub documents the form (`::error file=F,line=L,title=T::message`); the escapes are those of its own toolkit, which
percent-codes %, CR and LF in a message, and : and , too in a property.
"""

from __future__ import annotations

from collections.abc import Sequence

from neuromf.config.places import FilePlace
from neuromf.gate.ci.findings import JudgedConfig, Level
from neuromf.gate.ci.paths import from_here
from neuromf.readable import readable

KINDS: dict[Level, str] = {"error": "error", "warning": "warning", "note": "notice"}
_MESSAGE = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = _MESSAGE | str.maketrans({":": "%3A", ",": "%2C"})


def workflow_commands(configs: Sequence[JudgedConfig]) -> list[str]:
    """A command an error or open finding, errors first: GitHub shows ten of a kind in a step."""
    found: list[tuple[Level, FilePlace, str, str]] = []
    for config in configs:
        if config.error is not None:
            found.append(("error", config.place, "neuromf gate cannot judge it", config.error.sentence))
        for finding in config.open:
            title = f"{finding.result.law_id} {finding.result.title}"
            found.append((finding.level, finding.place, title, finding.text))
    order = list(KINDS)
    return [_command(*parts) for parts in sorted(found, key=lambda parts: order.index(parts[0]))]


def _command(level: Level, place: FilePlace, title: str, message: str) -> str:
    properties = {} if place.file is None else {"file": shown_path(place), "line": str(place.line)}
    pairs = (f"{name}={value.translate(_PROPERTY)}" for name, value in (properties | {"title": title}).items())
    return f"::{KINDS[level]} {','.join(pairs)}::{message.translate(_MESSAGE)}"


def shown_path(place: FilePlace) -> str:
    """The file of a place, from the working folder where it lies below that; empty where there is none."""
    if place.file is None:
        return ""
    return readable(str(from_here(place.file) or place.file.absolute()))

"""The file in which a user says once how a cluster is asked: partition, account, kind of GPU, and for encoding."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from neuromf.config.schema import ConfigSection
from neuromf.config.yaml_file import read_yaml_mapping
from neuromf.errors import InputError

Word = Annotated[str, Field(min_length=1, max_length=500)]
Minutes = Annotated[int, Field(ge=5, le=60 * 24 * 365)]


class EncodingSite(ConfigSection):
    """What the job that encodes is given; a key that is left out is as for the training."""

    partition: Word | None = None
    account: Word | None = None
    qos: Word | None = None
    constraint: Word | None = None
    gres: Word | None = None
    minutes: Minutes | None = None
    sbatch: list[Word] | None = None


class Site(EncodingSite):
    """The whole file: each key is the option of `neuromf launch` of that name."""

    nodes: Annotated[int, Field(ge=1, le=64)] | None = None
    encoding: EncodingSite = EncodingSite()


def site_file() -> Path:
    """Where it is looked for: neuromf/cluster.yaml below $XDG_CONFIG_HOME or ~/.config."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "neuromf" / "cluster.yaml"


def read_site(path: Path | None) -> tuple[Site, Path]:
    """The site file and where it stands; an empty one where the usual place holds none.

    Args:
        path: of --site, None for the usual place.

    Raises:
        InputError: the file that was named is not there, or one holds what a launch does not know.
    """
    place = site_file() if path is None else path
    if path is None and not place.exists():
        return Site(), place
    try:
        site = Site.model_validate(read_yaml_mapping(place))
    except ValidationError as error:
        raise _refusal(error, place) from error
    for key, text in _texts(site):
        if not text.isprintable():
            problem, remedy = f"{text!r} cannot stand in a script", "leave control characters out"
            raise InputError(problem, remedy=remedy, file=place, key=key)
    return site, place


def _texts(site: EncodingSite) -> list[tuple[str, str]]:
    """Every text of it, with its key."""
    found: list[tuple[str, str]] = []
    for key, value in site:
        if isinstance(value, EncodingSite):
            found += [(f"{key}.{inner}", text) for inner, text in _texts(value)]
        else:
            found += [(key, text) for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]
    return found


def _refusal(error: ValidationError, place: Path) -> InputError:
    """The first fault, with what may stand there."""
    first = error.errors()[0]
    parts = [part for part in first["loc"] if isinstance(part, str)]
    section = EncodingSite if parts[:1] == ["encoding"] and len(parts) > 1 else Site
    if first["type"] == "extra_forbidden":
        known = ", ".join(section.model_fields)
        return InputError("unknown key", remedy=f"the keys are {known}", file=place, key=".".join(parts))
    problem = f"{first['input']!r} is not allowed here"
    return InputError(problem, remedy=first["msg"][0].lower() + first["msg"][1:], file=place, key=".".join(parts))

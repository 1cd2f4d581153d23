"""A configuration that may leave the machine: without the paths of its files."""

from __future__ import annotations

from typing import Any

from neuromf.config.resolve import flat_config
from neuromf.config.schema import Config

LEFT_OUT = "(a path, left out)"
PATHS = ("data.root", "training.init_from", "vae.checkpoint")
"""Keys that name files, unless they say one of `WORDS`."""
WORDS = (None, "demo", "factory")


def public_config(config: Config) -> dict[str, Any]:
    """Every key by dotted path; a path of a file, which may name a person, a study or a machine, is left out."""
    return {key: _public(key, value) for key, value in flat_config(config).items()}


def _public(key: str, value: Any) -> Any:  # noqa: ANN401
    if key in PATHS:
        return value if value in WORDS else LEFT_OUT
    if isinstance(value, list):
        return [_public("", item) for item in value]
    # Options of the user's own code may name files too.
    return LEFT_OUT if isinstance(value, str) and ("/" in value or "\\" in value) else value

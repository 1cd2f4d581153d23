"""The configuration that a run recorded: its resolved text, whole."""

from __future__ import annotations

from pathlib import Path

from neuromf.config.layers import read_layer
from neuromf.config.load import load_config
from neuromf.config.resolve import ADDED, CAME_WITH_THE_LAST, flat_config, flatten
from neuromf.config.schema import Config
from neuromf.errors import InputError


def read_recorded(path: Path) -> Config:
    """Read a run's `config.yaml`.

    Raises:
        InputError: it is no configuration, or ends before its last key: the schema's defaults, which may stand for a
            key that a file of the user leaves out, are not what the run was trained with.
    """
    config = load_config([path], anchored=False)
    last = _missing_end(set(dict(flatten(read_layer(str(path), anchored=False)[0]))), list(flat_config(config)))
    if last:
        remedy = "restore the file; a resume checks that it is the one the run began with"
        raise InputError("the run's configuration is cut short", remedy=remedy, file=path, key=last)
    return config


def _missing_end(found: set[str], known: list[str]) -> str:
    """The key at the end of the text that is not there; empty where the text is whole, or of before there was such.

    Keys that came still later may be absent before it: only a text whose end is lost is cut.
    """
    of_old = max(index for index, key in enumerate(known) if key not in ADDED)
    since = known[of_old + 1 :]
    if known[of_old] not in found:
        return known[of_old]
    newer = CAME_WITH_THE_LAST in found or any(key in found for key in since)
    return known[-1] if newer and known[-1] not in found else ""

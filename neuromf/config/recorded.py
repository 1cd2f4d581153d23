"""The configuration that a run recorded: its resolved text, whole."""

from __future__ import annotations

from pathlib import Path

from neuromf.config.layers import read_layer
from neuromf.config.load import load_config
from neuromf.config.resolve import flat_config, flatten
from neuromf.config.schema import Config
from neuromf.errors import InputError


def read_recorded(path: Path) -> Config:
    """Read a run's `config.yaml`.

    Raises:
        InputError: it is no configuration, or ends before its last key: the schema's defaults, which may stand for a
            key that a file of the user leaves out, are not what the run was trained with.
    """
    config = load_config([path], anchored=False)
    last = list(flat_config(config))[-1]
    if last not in dict(flatten(read_layer(str(path), anchored=False)[0])):
        remedy = "restore the file; a resume checks that it is the one the run began with"
        raise InputError("the run's configuration is cut short", remedy=remedy, file=path, key=last)
    return config

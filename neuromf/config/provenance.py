"""Where each value of a configuration comes from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from neuromf.config.layers import layer_chain
from neuromf.config.recipe_files import recipe_sources
from neuromf.config.resolve import flatten


def value_sources(layers: Iterable[str], overrides: Iterable[str] = ()) -> dict[str, str]:
    """Source of each value that is not a default, by dotted key; a later layer's replaces an earlier one's.

    Args:
        layers: recipes and files, as given to `load_config`, which has accepted them.
        overrides: `section.key=value`.
    """
    sources: dict[str, str] = {}
    for layer in layers:
        for link in layer_chain(str(layer)):
            found = dict.fromkeys((key for key, _ in flatten(link.settings)), link.name)
            # A recipe tells of each of its values itself.
            sources |= found if link.file is not None else recipe_sources(link.name.removeprefix("recipe "))
    return sources | {text.partition("=")[0].strip(): "--set" for text in overrides}


def layer_files(layers: Iterable[str]) -> list[Path]:
    """Every file that these layers are read from, those that they extend included."""
    return [link.file for layer in layers for link in layer_chain(str(layer)) if link.file is not None]

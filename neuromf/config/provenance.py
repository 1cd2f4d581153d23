"""Where each value of a configuration comes from."""

from __future__ import annotations

from collections.abc import Iterable

from neuromf.config.load import read_layer
from neuromf.config.recipes import recipe_names, recipe_sources
from neuromf.config.resolve import flatten


def value_sources(layers: Iterable[str], overrides: Iterable[str] = ()) -> dict[str, str]:
    """Source of each value that is not a default, by dotted key; a later layer's replaces an earlier one's.

    Args:
        layers: recipes and files, as given to `load_config`, which has accepted them.
        overrides: `section.key=value`.
    """
    sources: dict[str, str] = {}
    for layer in layers:
        if layer in recipe_names():
            sources |= recipe_sources(layer)
        else:
            tree, name = read_layer(layer)
            sources |= dict.fromkeys((key for key, _ in flatten(tree)), name)
    return sources | {text.partition("=")[0].strip(): "--set" for text in overrides}

"""Where each value of a configuration comes from."""

from __future__ import annotations

from collections.abc import Iterable

from neuromf.config.layers import expand
from neuromf.config.recipes import recipe_sources
from neuromf.config.resolve import flatten


def value_sources(layers: Iterable[str], overrides: Iterable[str] = ()) -> dict[str, str]:
    """Source of each value that is not a default, by dotted key; a later layer's replaces an earlier one's.

    Args:
        layers: recipes and files, as given to `load_config`, which has accepted them.
        overrides: `section.key=value`.
    """
    sources: dict[str, str] = {}
    for layer in layers:
        for part in expand(layer):
            own = dict.fromkeys((key for key, _ in flatten(part.tree)), part.name)
            sources |= recipe_sources(part.recipe) if part.recipe else own
    return sources | {text.partition("=")[0].strip(): "--set" for text in overrides}

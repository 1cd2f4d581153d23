"""Bounds of a guard that can fire, and do not always."""

from __future__ import annotations

import math

from neuromf.errors import InputError


def refuse_bounds(warn_ratio: float, halt_ratio: float | None, nothing: float | None) -> None:
    """Bounds that cannot fire, or always do.

    Raises:
        InputError: naming the argument.
    """
    if not 1 < warn_ratio < (math.inf if halt_ratio is None else halt_ratio) or halt_ratio == math.inf:
        remedy = "give 1 < warn_ratio < halt_ratio, both finite, or halt_ratio=None"
        raise InputError(f"{warn_ratio:g} and {halt_ratio} are no bounds", remedy=remedy, key="warn_ratio, halt_ratio")
    if nothing is not None and not 0 < nothing < math.inf:
        raise InputError(
            f"{nothing:g} is no loss of predicting nothing", remedy="give a positive number", key="nothing"
        )

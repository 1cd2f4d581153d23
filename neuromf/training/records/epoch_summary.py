"""The steps of one epoch as one record, under the names the review's `training_summary.json` used."""

from __future__ import annotations

import math
import statistics
from array import array
from collections.abc import Mapping
from typing import Any

from neuromf.trace.average import mean
from neuromf.trace.columns import USUAL_CHANNELS, Row, channels_in, columns_of, number, number_or_none

UNIT = "raw losses: squared latent per dim; loss: weighted, unitless"
AVERAGED = ("weighted", "objective", "raw_total", "raw_fm", "raw_mf", "grad_norm", "clip_frac")
LAST = ("step", "lr", "update_rms", "param_rms", "ema_gap")
"""Columns of which an epoch keeps the value of its last step alone."""


class EpochColumns:
    """What an epoch's summary needs of its steps: eight bytes a number, for an epoch can have 100,000 steps.

    Args:
        channels: of the latents.
    """

    def __init__(self, channels: int = USUAL_CHANNELS) -> None:
        self._channels = channels_in(column.name for column in columns_of(channels))
        self._averaged = {name: array("d") for name in (*AVERAGED, *self._channels)}
        self._last: dict[str, float] = {}

    def add(self, row: Row) -> None:
        """Take in one step; an empty cell is left out of its column's mean."""
        for name, values in self._averaged.items():
            value = number_or_none(row, name)
            if value is not None:
                values.append(value)
        self._last = {name: number(row, name) for name in LAST}

    def summary(self, epoch: int, block_norms: Mapping[str, float]) -> dict[str, Any]:
        """Summarise the steps taken in, at least one.

        Args:
            epoch: number of the epoch, from 0.
            block_norms: gradient norm of each block at its last step; empty without diagnostics.
        """
        clipped, weighted, last = self._averaged["clip_frac"], self._averaged["weighted"], self._last
        return {
            "epoch": epoch,
            "global_step": int(last["step"]) + 1,
            "unit": UNIT,
            "loss_mean": _finite_mean(weighted),
            "loss_std": statistics.pstdev(weighted) if all(map(math.isfinite, weighted)) else None,
            "objective_mean": self._mean("objective"),
            "raw_loss_mean": self._mean("raw_total"),
            "raw_loss_fm_mean": self._mean("raw_fm"),
            "raw_loss_mf_mean": self._mean("raw_mf"),
            "raw_loss_per_channel": [self._mean(name) for name in self._channels],
            "grad_norm_mean": self._mean("grad_norm"),
            "grad_clip_fraction": sum(clipped) / len(clipped),
            "grad_norm_per_block": {name: norm for name, norm in block_norms.items() if math.isfinite(norm)},
            "learning_rate": last["lr"],
            "relative_update_norm": last["update_rms"] / max(last["param_rms"], 1e-30),
            "ema_divergence": last["ema_gap"],
        }

    def _mean(self, name: str) -> float | None:
        return _finite_mean(self._averaged[name])


def _finite_mean(values: array[float]) -> float | None:
    """The mean; None of no value, or where one is not finite."""
    return mean(values) if values and all(map(math.isfinite, values)) else None

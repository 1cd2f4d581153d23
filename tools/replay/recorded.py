"""What is recorded of the failed run, read from `golden/failed_225`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import pandas as pd
import pandera.pandas as pa

CURVE_SCHEMA = pa.DataFrameSchema(
    {
        "epoch": pa.Column(int, [pa.Check.ge(0), pa.Check(lambda s: s.is_monotonic_increasing, error="epochs rise")]),
        **{f"ch{channel}": pa.Column(float, pa.Check.gt(0), coerce=True) for channel in range(4)},
        "loss_mean": pa.Column(float),
        "loss_std": pa.Column(float, pa.Check.ge(0)),
    },
    strict=True,
    ordered=True,
)
"""The review's table: one row a recorded epoch."""


@dataclass(frozen=True)
class Fact:
    """A number of the failed run as the review prints it.

    Attributes:
        name: what it is.
        value: the number.
        unit: its unit.
        section: of the review.
        quote: where it is printed.
    """

    name: str
    value: float
    unit: str
    section: str
    quote: str


@cache
def facts() -> dict[str, Fact]:
    """The recorded numbers by name."""
    text = files("golden").joinpath("failed_225/facts.toml").read_text(encoding="utf-8")
    return {entry["name"]: Fact(**entry) for entry in tomllib.loads(text)["fact"]}


def curve() -> pd.DataFrame:
    """The recorded raw loss per channel, squared latent per voxel, FM and MF added, by epoch."""
    with files("golden").joinpath("failed_225/curve.csv").open() as stream:
        return CURVE_SCHEMA.validate(pd.read_csv(stream))


def gpu_hours() -> float:
    """A100-hours that the run took, by the public code's dates."""
    clock = tomllib.loads(files("golden").joinpath("failed_225/clock.toml").read_text(encoding="utf-8"))
    hours = (clock["stopped"] - clock["started"]).total_seconds() / 3600
    return float(hours * clock["gpus"])

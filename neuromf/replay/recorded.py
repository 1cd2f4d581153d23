"""The runs that are known from their records: read from `golden/failed_225` and `golden/public_v1`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache

import pandas as pd
import pandera.pandas as pa
from neuromf_spec.reference.failed_run import FAILED_RUN_START, interpolated

from neuromf.checkout import golden_folder
from neuromf.monitor.guard.zero_predictor import ZeroPredictorLoss
from neuromf.trace.exact import read_exact

_EPOCHS = [pa.Check.ge(0), pa.Check(lambda s: s.is_monotonic_increasing, error="epochs rise")]
_LOSS = {"loss_mean": pa.Column(float)}
CURVE_SCHEMAS = {
    "failed_225": pa.DataFrameSchema(
        {
            "epoch": pa.Column(int, _EPOCHS),
            **{f"ch{channel}": pa.Column(float, pa.Check.gt(0), coerce=True) for channel in range(4)},
            **_LOSS,
            "loss_std": pa.Column(float, pa.Check.ge(0)),
        },
        strict=True,
        ordered=True,
    ),
    "public_v1": pa.DataFrameSchema(
        {
            "epoch": pa.Column(int, _EPOCHS),
            "step": pa.Column(int, pa.Check.gt(0)),
            "sum": pa.Column(float, pa.Check.gt(0), nullable=True),
            "ch0_share": pa.Column(float, pa.Check.in_range(0, 1), nullable=True),
            **_LOSS,
        },
        strict=True,
        ordered=True,
    ),
}
"""The tables as they were printed: one row a recorded epoch."""
TRACE_NAMES = {**{f"ch{channel}": f"raw_ch{channel}" for channel in range(4)}, "loss_mean": "weighted"}
"""What a recorded column is called in a trace."""


@dataclass(frozen=True)
class Fact:
    """A number of a run as its source prints it.

    Attributes:
        name: what it is.
        value: the number.
        unit: its unit.
        section: of the source.
        quote: where it is printed; in our words where the source is code.
    """

    name: str
    value: float
    unit: str
    section: str
    quote: str


@dataclass(frozen=True)
class RecordedRun:
    """What is needed to replay a run.

    Attributes:
        name: folder in `golden`.
        recipe: the configuration it was launched with; empty where none is shipped.
        terms: weighted terms that were added up.
    """

    name: str
    recipe: str
    terms: int

    @property
    def facts(self) -> dict[str, Fact]:
        """The recorded numbers by name."""
        return facts(self.name)

    @property
    def points(self) -> dict[int, float]:
        """Recorded epoch -> raw loss, squared latent per voxel, four channels and all terms added."""
        table = curve(self.name)
        total = table[[f"ch{c}" for c in range(4)]].sum(axis=1) if "ch0" in table else table["sum"]
        return {int(epoch): float(value) for epoch, value in zip(table["epoch"], total, strict=True) if value > 0}

    @property
    def records(self) -> list[dict[str, float]]:
        """The recorded epochs under a trace's column names, as far as a trace has the column."""
        table = curve(self.name).rename(columns=TRACE_NAMES)
        kept = table[[name for name in ("epoch", *TRACE_NAMES.values()) if name in table]]
        return [{str(name): float(value) for name, value in row.items()} for row in kept.to_dict("records")]

    @property
    def levels(self) -> list[float]:
        """Raw loss of every epoch, log-linear between the recorded ones."""
        return interpolated(self.points, int(self.facts["epochs"].value))

    @property
    def start(self) -> ZeroPredictorLoss:
        """Loss of predicting nothing in the unit of `points`; the same a term, for both runs drew alike."""
        total = FAILED_RUN_START / RUNS["failed_225"].terms * self.terms
        return ZeroPredictorLoss(total, total)

    @property
    def hours(self) -> float | None:
        """A100-hours it took, by the public code's dates; None where they are not known."""
        path = golden_folder().joinpath(f"{self.name}/clock.toml")
        if not path.is_file():
            return None
        clock = tomllib.loads(path.read_text(encoding="utf-8"))
        hours = (clock["stopped"] - clock["started"]).total_seconds() / 3600
        return float(hours * clock["gpus"])


RUNS = {
    run.name: run
    for run in (RecordedRun("failed_225", "failed_225", terms=2), RecordedRun("public_v1", recipe="", terms=1))
}
"""Runs by name."""


@cache
def facts(name: str) -> dict[str, Fact]:
    """The recorded numbers of a run by name."""
    text = golden_folder().joinpath(f"{name}/facts.toml").read_text(encoding="utf-8")
    entries = tomllib.loads(text)["fact"]
    return {
        entry["name"]: Fact(
            name=entry["name"],
            value=entry["value"],
            unit=entry["unit"],
            section=entry["section"],
            quote=entry.get("quote") or entry["words"],
        )
        for entry in entries
    }


def curve(name: str) -> pd.DataFrame:
    """The recorded table of a run."""
    with golden_folder().joinpath(f"{name}/curve.csv").open() as stream:
        return CURVE_SCHEMAS[name].validate(read_exact(stream))

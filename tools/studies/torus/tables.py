"""The two studies as files of rows and as the tables that are read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaError, SchemaErrors
from scipy.stats import ttest_rel

from neuromf.checkout import golden_folder
from neuromf.errors import InputError
from neuromf.output import write_output
from neuromf.trace.exact import read_exact

FOLDER = golden_folder() / "torus"
"""Where both studies are kept."""
EXPLODED = 10 * (1 + 0.5)
"""Raw MF loss a dim of a training that exploded: ten times the loss of predicting nothing, which is the variance of
noise plus that of a coordinate. Ten is the bound of the replays of CLAIM-11."""
SETTING = ["net", "scale", "embedding", "derivative", "qk_norm", "prediction", "share", "learning_rate"]


def _positive(*names: str) -> dict[str, pa.Column]:
    return {name: pa.Column(float, pa.Check.gt(0), coerce=True) for name in names}


_SHARE = pa.Column(float, pa.Check.in_range(0, 1), coerce=True)
_SEED = pa.Column(int, pa.Check.ge(0))
SHARE_SCHEMA = pa.DataFrameSchema(
    {
        "objective": pa.Column(str),
        "dims": pa.Column(int, pa.Check.ge(4)),
        "share": _SHARE,
        "seed": _SEED,
        **_positive("distance", "wasserstein"),
    },
    strict=True, ordered=True, unique=["objective", "dims", "share", "seed"],
)  # fmt: skip
"""A training of the sweep: its setting and the quality of 4,096 samples of one evaluation each."""
SCALE_SCHEMA = pa.DataFrameSchema(
    {
        "net": pa.Column(str, pa.Check.isin(["perceptron", "attention"])),
        **_positive("scale"),
        "embedding": pa.Column(str, pa.Check.isin(["float32", "bfloat16"])),
        "derivative": pa.Column(str, pa.Check.isin(["plain", "clipped", "normalised"])),
        "qk_norm": pa.Column(bool),
        "prediction": pa.Column(str, pa.Check.isin(["u", "x"])),
        "share": _SHARE,
        **_positive("learning_rate"),
        "seed": _SEED,
        **_positive("first_mf", "worst_mf", "last_mf", "last_fm", "distance", "wasserstein"),
    },
    strict=True, ordered=True, unique=[*SETTING, "seed"],
)  # fmt: skip
"""A training at a time scale: its setting, raw losses a dim by blocks of steps, and the quality of its samples."""


def read_rows(name: str, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """A kept study.

    Raises:
        InputError: its file is missing or not of its schema.
    """
    file = FOLDER / f"{name}.csv"
    try:
        return schema.validate(read_exact(file))
    except (OSError, ValueError, SchemaError, SchemaErrors) as error:
        problem = f"is no table of the torus study ({str(error).splitlines()[0]})"
        raise InputError(problem, remedy="make it with `python -m tools torus-study`", file=file) from error


def share_table(rows: pd.DataFrame) -> str:
    """Mean distance and Wasserstein distance of each share, and the share that is best by either."""
    lines = []
    for (objective, dims), group in rows.groupby(["objective", "dims"]):
        for measure in ("distance", "wasserstein"):
            means = group.groupby("share")[measure].mean()
            cells = [f"**{mean:.3f}**" if mean == means.min() else f"{mean:.3f}" for mean in means]
            lines.append([str(objective), str(dims), measure, *cells])
    header = ["objective", "dims", "measure", *(f"{share:g}" for share in sorted(rows["share"].unique()))]
    return _markdown(header, lines)


def differences(rows: pd.DataFrame, objective: str, dims: int, measure: str, share: float) -> tuple[float, float]:
    """95 % interval (paired t) of a share's mean difference from 0.25: above 0 where 0.25 is better."""
    chosen = rows[(rows["objective"] == objective) & (rows["dims"] == dims)]
    by_seed = chosen.pivot(index="seed", columns="share", values=measure)
    interval = ttest_rel(by_seed[share], by_seed[0.25]).confidence_interval(0.95)
    return float(interval.low), float(interval.high)


def scale_table(rows: pd.DataFrame) -> str:
    """One line a setting: raw MF loss against the plain training at scale 1, explosions, and quality."""
    reference = rows[
        (rows["scale"] == 1) & (rows["embedding"] == "float32") & (rows["derivative"] == "plain") & ~rows["qk_norm"]
        & (rows["prediction"] == "u") & (rows["share"] == 0.5) & (rows["learning_rate"] == rows["learning_rate"].max())
    ].set_index(["net", "seed"])["last_mf"]  # fmt: skip
    own = reference.loc[list(zip(rows["net"], rows["seed"], strict=True))].to_numpy()
    measured = rows.assign(
        last=rows["last_mf"] / own, worst=rows["worst_mf"] / own, exploded=exploded(rows).astype(int)
    )
    lines = []
    for setting, group in measured.groupby(SETTING, sort=False):
        name = dict(zip(SETTING, setting, strict=True))
        numbers = [_span(group["last"]), f"{group['worst'].max():.3g}", f"{group['exploded'].sum()} of {len(group)}"]
        quality = [f"{group['distance'].mean():.2f}", f"{group['wasserstein'].mean():.3f}"]
        lines.append([str(name["net"]), f"{name['scale']:g}", _words(name), *numbers, *quality])
    columns = ["net", "scale", "with", "last MF", "worst MF", "exploded", "distance", "wasserstein"]
    return _markdown(columns, lines)


def exploded(rows: pd.DataFrame) -> pd.Series:
    """Whether a block of the raw MF loss ever reached the bound, NaN counted in."""
    return ~(rows["worst_mf"] < EXPLODED)


def _words(setting: dict[str, object]) -> str:
    """What a setting changes."""
    changes = [
        ("bf16 embedding", setting["embedding"] != "float32"),
        (f"{setting['derivative']} du/dt", setting["derivative"] != "plain"),
        ("QK-norm", setting["qk_norm"]),
        ("x-prediction", setting["prediction"] == "x"),
        (f"share {setting['share']}", setting["share"] != 0.5),
        (f"rate {setting['learning_rate']:g}", setting["learning_rate"] != 4e-3),
    ]
    return ", ".join(words for words, differs in changes if differs) or "-"


def _span(values: pd.Series) -> str:
    low, high = (f"{value:.3g}" for value in (values.min(), values.max()))
    return low if low == high else f"{low} to {high}"


def _markdown(header: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    header = list(header)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, ["---"] * len(header), *lines)) + "\n"


def write_rows(rows: pd.DataFrame, name: str, schema: pa.DataFrameSchema, folder: Path) -> None:
    """Store a study's rows."""
    folder.mkdir(parents=True, exist_ok=True)
    write_output(folder / f"{name}.csv", schema.validate(rows).to_csv(index=False, lineterminator="\n"))

"""The latent store's table of scans, and the schema that guards it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas
import pandera.pandas as pandera
from numpy.typing import NDArray
from pandera.errors import SchemaErrors

from neuromf.data.splits import SPLIT_NAMES
from neuromf.data.statistics import ChannelMoments
from neuromf.errors import InputError, UnreadableError

_REMEDY = "restore the file or encode the scans again"
_TEXT = ("scan_id", "subject", "split", "file", "sha256", "shape")

_MEAN = "mean_"
_finite = pandera.Check.in_range(-1e30, 1e30)  # NaN and infinity lie outside


def mean_columns(channels: int) -> tuple[str, ...]:
    """Names of the columns with the mean of each channel."""
    return tuple(f"{_MEAN}{channel}" for channel in range(channels))


def std_columns(channels: int) -> tuple[str, ...]:
    """Names of the columns with the standard deviation of each channel."""
    return tuple(f"std_{channel}" for channel in range(channels))


def manifest_schema(channels: int) -> pandera.DataFrameSchema:
    """What a manifest of latents of so many channels must be."""
    return pandera.DataFrameSchema(
        {
            "scan_id": pandera.Column(str, pandera.Check.str_matches(r"^[^./\\][^/\\]*$"), unique=True),
            "subject": pandera.Column(str, pandera.Check.str_length(min_value=1)),
            "split": pandera.Column(str, pandera.Check.isin(SPLIT_NAMES)),
            "file": pandera.Column(str, pandera.Check.str_matches(r"^scans/[^/\\]+\.safetensors$"), unique=True),
            "sha256": pandera.Column(str, pandera.Check.str_matches(r"^[0-9a-f]{64}$")),
            "shape": pandera.Column(str, pandera.Check.str_matches(rf"^{channels}x[1-9]\d*x[1-9]\d*x[1-9]\d*$")),
            **{name: pandera.Column(float, _finite) for name in mean_columns(channels)},
            **{name: pandera.Column(float, [_finite, pandera.Check.gt(0)]) for name in std_columns(channels)},
        },
        strict=True,
        ordered=True,
        coerce=True,
    )


def _channels_of(columns: Iterable[str]) -> int:
    """By the columns of means; at least one, so that a table without any is told what it lacks."""
    return max(sum(name.startswith(_MEAN) for name in columns), 1)


def read_manifest(path: Path) -> pandas.DataFrame:
    """Read and check `manifest.csv`.

    Raises:
        InputError: if it is missing, not a table, breaks the schema, is empty, mixes shapes, or puts one subject in
            two splits.
    """
    if not path.is_file():
        raise InputError("the latent store has no manifest", remedy=_REMEDY, file=path)
    try:
        frame = pandas.read_csv(path, dtype=str, keep_default_na=False, encoding_errors="surrogateescape")
    except OSError as error:
        raise UnreadableError.of(path, error) from error
    except ValueError as error:
        raise InputError(f"this is not a table ({error})", remedy=_REMEDY, file=path) from error
    try:
        manifest = manifest_schema(_channels_of(frame.columns)).validate(frame, lazy=True)
    except SchemaErrors as errors:
        raise _first_failure(errors, path) from errors
    _check_rows(manifest, path)
    return manifest


def moment_cells(moments: ChannelMoments) -> dict[str, float]:
    """The cells of a row that hold a scan's moments."""
    means = dict(zip(mean_columns(len(moments.mean)), moments.mean, strict=True))
    return means | dict(zip(std_columns(len(moments.std)), moments.std, strict=True))


def write_manifest(path: Path, rows: list[dict[str, object]]) -> None:
    """Write rows as `manifest.csv`; floats keep all their digits."""
    channels = _channels_of(rows[0] if rows else ())
    frame = pandas.DataFrame(rows, columns=[*_TEXT, *mean_columns(channels), *std_columns(channels)])
    frame.to_csv(path, index=False, lineterminator="\n", float_format="%.17g", errors="surrogateescape")


def table_moments(rows: pandas.DataFrame) -> list[ChannelMoments]:
    """The moments that manifest rows record, in order; by column, for a cohort may have 100,000 rows."""
    counts = {text: math.prod(shape_of(text)[1:]) for text in rows["shape"].unique()}
    means, stds = (cells.tolist() for cells in moment_arrays(rows))
    return [
        ChannelMoments(tuple(mean), tuple(std), counts[text])
        for mean, std, text in zip(means, stds, rows["shape"], strict=True)
    ]


def moment_arrays(rows: pandas.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Channel means and standard deviations (N, C) that manifest rows record, in order."""
    channels = _channels_of(rows.columns)
    means, stds = (rows[list(names)] for names in (mean_columns(channels), std_columns(channels)))
    return means.to_numpy(dtype="float64"), stds.to_numpy(dtype="float64")


def shape_of(text: str) -> tuple[int, ...]:
    """Parse "4x16x16x16"."""
    return tuple(int(size) for size in text.split("x"))


def _check_rows(manifest: pandas.DataFrame, path: Path) -> None:
    if manifest.empty:
        raise InputError("the manifest lists no scan", remedy=_REMEDY, file=path)
    if manifest["shape"].nunique() != 1:
        shapes = ", ".join(sorted(manifest["shape"].unique()))
        raise InputError(f"latents of several shapes ({shapes})", remedy=_REMEDY, file=path, key="shape")
    expected = "scans/" + manifest["scan_id"] + ".safetensors"
    if foreign := list(manifest.loc[manifest["file"] != expected, "file"]):
        raise InputError(f"{foreign[0]!r} is not its scan's file", remedy=_REMEDY, file=path, key="file")
    splits = manifest.groupby("subject")["split"].nunique()
    if torn := sorted(splits.index[splits > 1]):
        problem = f"subject {torn[0]!r} is in more than one split (DATA-002)"
        raise InputError(problem, remedy="encode the scans again", file=path, key="split")


def _first_failure(errors: SchemaErrors, path: Path) -> InputError:
    """The first broken rule as a sentence; line numbers count the header."""
    first = errors.failure_cases.iloc[0]
    value, rule = first["failure_case"], first["check"]
    shown = repr(value) if isinstance(value, str) else f"{value:g}"
    if pandas.isna(first["index"]):
        problem, key = f"column {shown} breaks the rule {rule}", None
    else:
        problem, key = f"line {int(first['index']) + 2}: {shown} breaks the rule {rule}", str(first["column"])
    return InputError(problem, remedy=_REMEDY, file=path, key=key)

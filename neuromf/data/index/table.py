"""The table of an index as a file, checked by a schema before it is written."""

from __future__ import annotations

from pathlib import Path

import pandas
import pandera.pandas as pandera

from neuromf.data.cohort_table import COHORT_SCHEMA, write_cohort
from neuromf.data.index.build import Index

_SEEN = ("shape", "spacing_mm", "orientation", "voxels")
INDEX_SCHEMA = pandera.DataFrameSchema(
    {**COHORT_SCHEMA.columns, **{name: pandera.Column(str) for name in _SEEN}}, checks=COHORT_SCHEMA.checks
)
"""A row a file; columns of participants' tables may stand beside."""


def index_table(index: Index) -> pandas.DataFrame:
    """The table of an index: its own columns, then those of participants' tables that have other names."""
    own = [row.cells() for row in index.rows]
    others = dict.fromkeys(name for row in index.rows for name in row.known if name not in own[0])
    known = [{name: row.known.get(name, "") for name in others} for row in index.rows]
    frame = pandas.DataFrame([cells | more for cells, more in zip(own, known, strict=True)])
    frame["include"] = frame["include"] == "True"
    return INDEX_SCHEMA.validate(frame)


def write_index(path: Path, index: Index) -> None:
    """Write the table of an index."""
    write_cohort(path, index_table(index))

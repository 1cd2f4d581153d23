"""pandera schema of a trace."""

from __future__ import annotations

from collections.abc import Sequence

import pandera.pandas as pa

from neuromf.trace.columns import Column


def _column(column: Column) -> pa.Column:
    if column.name == "step":
        rising = pa.Check(lambda s: (s.diff().iloc[1:] == 1).all(), error="steps must rise by one")
        return pa.Column(int, [pa.Check.ge(0), rising])
    if column.kind == "text":
        return pa.Column(str)
    # NaN is a value a broken run records: whether it passes is the comparator's decision, not the file's.
    return pa.Column(float, nullable=True)


def trace_schema(columns: Sequence[Column]) -> pa.DataFrameSchema:
    """All of these columns, in causal order, one row a step without gaps."""
    return pa.DataFrameSchema({c.name: _column(c) for c in columns}, strict=True, ordered=True)

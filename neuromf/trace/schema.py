"""pandera schema of a trace."""

from __future__ import annotations

import pandera.pandas as pa

from neuromf.trace.columns import COLUMNS, Column


def _column(column: Column) -> pa.Column:
    if column.name == "step":
        rising = pa.Check(lambda s: (s.diff().iloc[1:] == 1).all(), error="steps must rise by one")
        return pa.Column(int, [pa.Check.ge(0), rising])
    if column.kind == "text":
        return pa.Column(str)
    # NaN is a value a broken run records: whether it passes is the comparator's decision, not the file's.
    return pa.Column(float, nullable=True)


TRACE_SCHEMA = pa.DataFrameSchema({c.name: _column(c) for c in COLUMNS}, strict=True, ordered=True)
"""All columns, in causal order, one row a step without gaps."""

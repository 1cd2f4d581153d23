"""Reads and checks the kept files of a golden case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from pandera.errors import SchemaError, SchemaErrors

from neuromf.comparison.table import TraceTable, read_table
from neuromf.errors import InputError
from neuromf.golden.case import GoldenCase
from neuromf.golden.tolerances import TOLERANCE_SCHEMA
from neuromf.trace.exact import read_exact

FORMAT = 1
_REMEDY = "restore it, or make it with `python -m tools golden bless`"


def golden_table(case: GoldenCase) -> TraceTable:
    """The golden trace as arrays.

    Raises:
        InputError: it is missing or cannot be read.
    """
    return read_table(golden_trace(case))


def golden_trace(case: GoldenCase) -> Path:
    """The file of the golden trace.

    Raises:
        InputError: it is missing; it is never written silently.
    """
    if not case.trace.is_file():
        raise InputError("there is no golden trace", remedy=_REMEDY, file=case.trace)
    return case.trace


def tolerance_frame(case: GoldenCase) -> pd.DataFrame:
    """The measured tolerances.

    Raises:
        InputError: the table is missing or not of its schema.
    """
    try:
        return TOLERANCE_SCHEMA.validate(read_exact(case.tolerances))
    except (OSError, ValueError, SchemaError, SchemaErrors) as error:
        problem = f"is no table of tolerances ({str(error).splitlines()[0]})"
        raise InputError(
            problem, remedy="make it with `python -m tools golden measure`", file=case.tolerances
        ) from error


def provenance(case: GoldenCase) -> dict[str, Any]:
    """Where the golden trace comes from.

    Raises:
        InputError: the file is missing or of another form.
    """
    try:
        document = json.loads(case.provenance.read_text(encoding="utf-8"))
        if document["format"] != FORMAT or not isinstance(document["environment"], dict):
            raise ValueError(f"format {document['format']}, this version reads {FORMAT}")
        return dict(document)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"is no provenance ({error})", remedy=_REMEDY, file=case.provenance) from error

"""Reads and checks the kept files of a golden case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from pandera.errors import SchemaError, SchemaErrors

from neuromf.comparison.table import TraceTable, read_table
from neuromf.config.resolve import resolved_text
from neuromf.config.schema import Config
from neuromf.errors import InputError
from neuromf.golden.case import GoldenCase
from neuromf.golden.parameters import parameter_text
from neuromf.golden.tolerances import TOLERANCE_SCHEMA
from neuromf.trace.exact import read_exact

FORMAT = 1
_REMEDY = "restore it, or make it with `python -m tools golden bless`"


def golden_table(case: GoldenCase) -> TraceTable:
    """The golden trace.

    Raises:
        InputError: it is missing; it is never written silently.
    """
    if not case.trace.is_file():
        raise InputError("there is no golden trace", remedy=_REMEDY, file=case.trace)
    return read_table(case.trace)


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


def contract_problems(folder: Path, config: Config) -> list[str]:
    """Where configuration or parameters differ from those kept in `folder`, line by line."""
    problems = []
    for name, text in contract_texts(config).items():
        path = folder / name
        golden = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        now = text.splitlines()
        told = [f"{name}: golden lacks `{line}`" for line in now if line not in golden]
        told += [f"{name}: golden has `{line}`" for line in golden if line not in now]
        if now != golden and not told:
            told = [f"{name}: its lines stand in another order, or not as often"]
        problems += told
    return problems


def contract_texts(config: Config) -> dict[str, str]:
    """The files `config.txt` and `params.txt` of a configuration, by name."""
    return {"config.txt": resolved_text(config), "params.txt": parameter_text(config)}

"""JSON files: a list of records, such as `training_summary.json`, or the `trainer_state.json` of transformers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from neuromf.errors import InputError
from neuromf.logs.log import RowLog
from neuromf.logs.readers.nested import flat_rows

REMEDY = "give a list of records, JSON lines, or a trainer_state.json"
HISTORY = "log_history"
"""Where transformers keeps what its Trainer logged."""
LOADED = 256 * 2**20
"""Bytes of the largest JSON file that is read whole."""


def read_json_records(path: Path, text: bytes) -> RowLog:
    """Rows of a JSON file.

    Args:
        path: named in errors.
        text: what the file holds.

    Raises:
        InputError: it is no JSON, or holds no records.
    """
    if len(text) > LOADED:
        raise InputError("is too large for one JSON document", remedy="write JSON lines", file=path)
    document, notes = _document(path, text)
    form = "a list of records in JSON"
    if isinstance(document, dict) and isinstance(document.get(HISTORY), list):
        document, form = document[HISTORY], "a trainer_state.json of transformers"
    elif isinstance(document, dict):
        document = _of_lists(document)
    if not isinstance(document, list) or not document or not all(isinstance(row, dict) for row in document):
        raise InputError("holds no records", remedy=REMEDY, file=path)
    return RowLog(name=str(path), form=form, rows=flat_rows(document), source=path.name, notes=notes)


def _document(path: Path, text: bytes) -> tuple[Any, tuple[str, ...]]:
    try:
        decoded = text.decode("utf-8-sig")
        return json.loads(decoded), ()
    except RecursionError as error:
        raise InputError("nests too deep", remedy=REMEDY, file=path) from error
    except ValueError as error:
        records = _before_the_cut(text)
        if records:
            return records, ("The file is cut short; the records before the cut were taken.",)
        raise InputError(f"not JSON ({str(error)[:120]})", remedy=REMEDY, file=path) from error


def _before_the_cut(text: bytes) -> list[Any]:
    """The whole records of a list that was cut while it was written."""
    decoded = text.decode("utf-8", "replace").lstrip("\ufeff \n\r\t")
    if decoded.startswith("{") and f'"{HISTORY}"' in decoded:
        decoded = decoded[decoded.index(f'"{HISTORY}"') + len(HISTORY) + 2 :].lstrip(": \n\r\t")
    records: list[Any] = []
    decoder, place = json.JSONDecoder(), 1
    while decoded.startswith("[") and place < len(decoded):
        while place < len(decoded) and decoded[place] in ", \n\r\t":
            place += 1
        try:
            record, place = decoder.raw_decode(decoded, place)
        except (ValueError, RecursionError):
            break
        records.append(record)
    return records


def _of_lists(document: dict[str, Any]) -> object:
    """`{"loss": [3, 2, 1], "lr": [...]}`, as a history of Keras is kept: one record an entry of the longest lists."""
    lists = {name: value for name, value in document.items() if isinstance(value, list)}
    length = max((len(value) for value in lists.values()), default=0)
    columns = {name: value for name, value in lists.items() if len(value) == length}
    return [{name: value[row] for name, value in columns.items()} for row in range(length)] if length > 1 else None

"""`training_summary.json`: one record an epoch, read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from neuromf.diagnosis.symptoms.blocks import BlockNorms
from neuromf.errors import InputError


def read_summary(path: Path) -> list[dict[str, Any]]:
    """The records written so far; none when there is no file, or an empty one.

    A kill may fall between the file's making and its first record; of a file that a power failure tore, the whole
    records are read.

    Raises:
        InputError: the file is not a training summary.
    """
    try:
        text = path.read_text() if path.exists() else ""
        records = _records(text) if text else []
        whole = all(isinstance(record["epoch"], int) and abs(record["epoch"]) < 2**63 for record in records)
        if not whole or not isinstance(records, list):
            raise ValueError("no list of epochs")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        remedy = "move the file away; the trace holds every step"
        raise InputError(f"not a training summary ({error})", remedy=remedy, file=path) from error
    return list(records)


def _records(text: str) -> Any:  # noqa: ANN401
    try:
        return json.loads(text)
    except ValueError:
        whole, end, _ = text.rpartition("\n }")  # the last line of the last whole record
        if not end:
            raise
        return json.loads(whole + end + "\n]")


def latest_blocks(records: list[dict[str, Any]], path: Path) -> BlockNorms | None:
    """The gradient norms by block of the newest epoch that has any.

    Raises:
        InputError: naming `path`, where a record holds something else than norms.
    """
    return next((blocks for blocks in reversed(block_norms(records, path)) if blocks.norms), None)


def block_norms(records: list[dict[str, Any]], path: Path) -> list[BlockNorms]:
    """The gradient norms by block of each record, at its last step; empty without diagnostics.

    Raises:
        InputError: naming `path`, where a record holds something else than norms.
    """
    try:
        return [
            BlockNorms(
                int(record["global_step"]) - 1,
                {str(name): float(norm) for name, norm in record.get("grad_norm_per_block", {}).items()},
            )
            for record in records
        ]
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        problem = f"grad_norm_per_block is not a norm a block ({error})"
        raise InputError(problem, remedy="move the file away", file=path) from error

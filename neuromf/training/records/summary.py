"""One record an epoch, under the names the review's `training_summary.json` used."""

from __future__ import annotations

import json
import math
import os
import statistics
from pathlib import Path
from typing import Any

from neuromf.diagnosis.symptoms.blocks import BlockNorms
from neuromf.errors import InputError
from neuromf.trace.average import mean
from neuromf.trace.columns import Row

UNIT = "raw losses: squared latent per dim; loss: weighted, unitless"


def epoch_summary(epoch: int, rows: list[Row], block_norms: dict[str, float]) -> dict[str, Any]:
    """Summarise the steps of one epoch.

    Args:
        epoch: number of the epoch, from 0.
        rows: its trace rows, at least one.
        block_norms: gradient norm of each block at its last step; empty without diagnostics.
    """
    clipped = _values(rows, "clip_frac")
    return {
        "epoch": epoch,
        "global_step": int(_values(rows, "step")[-1]) + 1,
        "unit": UNIT,
        "loss_mean": _mean(rows, "weighted"),
        "loss_std": statistics.pstdev(_values(rows, "weighted")) if _finite(rows, "weighted") else None,
        "objective_mean": _mean(rows, "objective"),
        "raw_loss_mean": _mean(rows, "raw_total"),
        "raw_loss_fm_mean": _mean(rows, "raw_fm"),
        "raw_loss_mf_mean": _mean(rows, "raw_mf"),
        "raw_loss_per_channel": [_mean(rows, f"raw_ch{channel}") for channel in range(4)],
        "grad_norm_mean": _mean(rows, "grad_norm"),
        "grad_clip_fraction": sum(clipped) / len(clipped),
        "grad_norm_per_block": {name: norm for name, norm in block_norms.items() if math.isfinite(norm)},
        "learning_rate": _values(rows, "lr")[-1],
        "relative_update_norm": _values(rows, "update_rms")[-1] / max(_values(rows, "param_rms")[-1], 1e-30),
        "ema_divergence": _values(rows, "ema_gap")[-1],
    }


def read_summary(path: Path) -> list[dict[str, Any]]:
    """The records written so far; none when there is no file.

    Raises:
        InputError: the file is not a training summary.
    """
    try:
        records = json.loads(path.read_text()) if path.exists() else []
        whole = all(isinstance(record["epoch"], int) and abs(record["epoch"]) < 2**63 for record in records)
        if not whole or not isinstance(records, list):
            raise ValueError("no list of epochs")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        remedy = "move the file away; the trace holds every step"
        raise InputError(f"not a training summary ({error})", remedy=remedy, file=path) from error
    return list(records)


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


def append_summary(path: Path, record: dict[str, Any]) -> None:
    """Add one epoch to the file, replacing what an interrupted part of the run wrote for it or for later ones."""
    broken = [key for key, value in record.items() if isinstance(value, float) and not math.isfinite(value)]
    former = [earlier for earlier in read_summary(path) if earlier["epoch"] < record["epoch"]]
    records = [*former, record | dict.fromkeys(broken)]
    staging = path.with_suffix(f".{os.getpid()}.tmp")
    staging.write_text(json.dumps(records, indent=1, allow_nan=False) + "\n")
    staging.replace(path)


def _values(rows: list[Row], name: str) -> list[float]:
    return [float(value) for row in rows if (value := row[name]) is not None]


def _finite(rows: list[Row], name: str) -> bool:
    return all(math.isfinite(value) for value in _values(rows, name))


def _mean(rows: list[Row], name: str) -> float | None:
    values = _values(rows, name)
    return mean(values) if values and _finite(rows, name) else None

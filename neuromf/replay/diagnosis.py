"""What is most likely wrong with the lost run, from its record or from its curve when it is trained again."""

from __future__ import annotations

import pandas as pd

from neuromf.config.load import load_config
from neuromf.diagnosis.diagnosis import Suspect, diagnose
from neuromf.diagnosis.symptoms.blocks import BlockNorms
from neuromf.monitor.checks.trace_summary import epoch_rows
from neuromf.replay.recorded import RecordedRun
from neuromf.replay.small_scale import REPAIRS, small_config


def suspects_of_record(run: RecordedRun) -> list[Suspect]:
    """Suspects by the recorded epochs and the configuration; none for a run whose configuration is not shipped."""
    if not run.recipe:
        return []
    config = load_config([run.recipe])
    return diagnose(config, epoch_rows(config, run.records), [], recorded_blocks(run))


def recorded_blocks(run: RecordedRun) -> BlockNorms:
    """Gradient norms by block in the last step of epoch 0: two were printed of the lost run, and none later."""
    known = {name: f"grad_norm_{name}_epoch_0" for name in ("out", "middle_block")}
    norms = {name: run.facts[fact].value for name, fact in known.items() if fact in run.facts}
    return BlockNorms(int(run.facts["steps_per_epoch"].value) - 1, norms)


def suspects_of_curve(curve: pd.DataFrame, epochs: int) -> list[Suspect]:
    """Suspects by a small training with the lost run's own settings.

    Args:
        curve: medians by epoch, as `neuromf.replay.train` keeps them.
        epochs: length of the training.
    """
    config = small_config(REPAIRS[0], 0, epochs)
    columns = curve.reset_index().to_dict("records")
    return diagnose(config, epoch_rows(config, [{str(n): float(v) for n, v in row.items()} for row in columns]), [])

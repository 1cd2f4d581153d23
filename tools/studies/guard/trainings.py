"""Real trainings through the guard: one row a training, with first alarms and what it came near to."""

from __future__ import annotations

import numpy as np
import pandas as pd

from neuromf.monitor.guard.guard import BLOCK, DivergenceGuard
from neuromf.monitor.guard.zero_predictor import anchor
from tools.studies.guard.plan import Training
from tools.studies.guard.recording import losses_of
from tools.studies.guard.rules import first_alarms, first_correction
from tools.studies.guard.simulate import Row

EARLY = 2
"""Block, from 0, whose level a repetition is compared by; the last of a training that broke down before it."""
NORMAL = 1.4826
"""Standard deviations in a median absolute deviation."""


def judge(training: Training, recording: pd.DataFrame) -> Row:
    """The guard, and the running trainer's warning of du/dt, on what a training recorded."""
    config = training.config
    heard = first_alarms(DivergenceGuard.from_config(config), losses_of(recording)) | first_correction(recording["rho"])
    start = anchor(config)
    block = np.arange(len(recording)) // BLOCK
    levels = recording.groupby(block).median()
    logs = np.log(recording["raw_total"])
    around = logs - logs.groupby(block).transform("median")
    return {
        "kind": training.kind,
        "seed": training.seed,
        "steps": len(recording),
        "largest_ratio": float((levels["raw_mf"] / levels["raw_fm"]).max()),
        "largest_rho": float(recording["rho"].max()),
        "largest_level": float((levels["raw_total"] / start.total).max()),
        "largest_flow": float((levels["raw_fm"] / start.flow).max()),
        "last_level": float(levels["raw_total"].iloc[-1] / start.total),
        "early_level": float(levels["raw_total"].iloc[min(EARLY, len(levels) - 1)] / start.total),
        # Of the second half, where the level falls little within a block.
        "step_noise": float(NORMAL * around.iloc[len(around) // 2 :].abs().median()),
        **heard,
        "overrides": training.overrides,
    }

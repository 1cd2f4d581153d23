"""The trainings of 60 and 225 epochs that `neuromf replay --train` kept, through the guard of today.

They are four to sixteen times as long as those of the study, so that the cumulative sums have time to err. An epoch's
median is one of the guard's blocks; with accumulation an epoch has fewer steps than a block, and counts as one. The
bound of law GUARD-006 was chosen on these trainings: that it parts them is no proof of it, as the study's own is.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from neuromf.checkout import golden_folder
from neuromf.config.load import load_config
from neuromf.monitor.guard.alarm import RawLosses
from neuromf.monitor.guard.guard import BLOCK, DivergenceGuard
from neuromf.monitor.guard.zero_predictor import ZeroPredictorLoss, anchor
from neuromf.replay.small_scale import REPAIRS, small_config
from neuromf.trace.exact import read_exact
from tools.studies.guard.rules import first_alarms
from tools.studies.guard.simulate import Row

FOLDER = golden_folder() / "replay"
HEALTHY = ("exact_jvp_and_time_scale", "laws_together", "all_together")
"""Repairs under which every seed ends below a tenth of predicting nothing."""
HALF = ("exact_jvp", "time_scale")
"""Those under which the MF loss stays above or near its start without running away."""
KINDS = ("healthy", "half repaired", "exploding")
SETTLED = 20
"""Epoch from which a training's noise is measured: the healthy ones then fall by some 2 % an epoch."""


def kind_of(repair: str) -> str:
    """Which of `KINDS` trainings with a repair are."""
    healthy, half, exploding = KINDS
    return healthy if repair in HEALTHY else half if repair in HALF else exploding


def judge_longer() -> list[Row]:
    """One row a kept training, with the epoch at which each rule first speaks."""
    return [_judge(file) for file in sorted(FOLDER.glob("epochs*/*.csv"))]


def _judge(file: Path) -> Row:
    repair, seed = file.stem.split(".seed")
    curve = read_exact(file, index_col="epoch")
    chosen = next(known for known in REPAIRS if known.name == repair)
    start = anchor(small_config(chosen, int(seed), len(curve)))
    logs = np.log((curve["raw_fm"] + curve["raw_mf"]).to_numpy(dtype=float))
    return {
        "repair": repair,
        "seed": int(seed),
        "epochs": len(curve),
        "kind": kind_of(repair),
        "last_level": float(np.exp(logs[-1]) / start.total),
        # Median absolute change to the standard deviation of one of the two blocks.
        "block_noise": float(1.4826 / np.sqrt(2) * np.median(np.abs(np.diff(logs[SETTLED:])))),
        **_heard(curve, start),
    }


def _heard(curve: pd.DataFrame, start: ZeroPredictorLoss) -> dict[str, int]:
    # The failed recipe's guard is disarmed; the one that is judged is the default's.
    training = load_config(["recommended"]).training
    guard = DivergenceGuard(training.divergence_warn_ratio, training.divergence_threshold, start)
    epochs = curve[["raw_fm", "raw_mf"]].to_numpy(dtype=float).tolist()
    steps = (RawLosses(flow + meanflow, flow, meanflow) for flow, meanflow in epochs for _ in range(BLOCK))
    return {rule: step // BLOCK for rule, step in first_alarms(guard, steps).items()}

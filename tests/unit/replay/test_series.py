"""A series of small trainings: what each leaves, with a trainer that only writes its trace."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from neuromf.replay.small_scale import REPAIRS, small_config
from neuromf.replay.train import epoch_curve, jobs, read_curves, run_jobs
from neuromf.trace.reader import read_trace
from neuromf.trace.writer import TraceWriter
from neuromf.training.loop import Ending, Outcome
from tests.support.fake_run import row_of

STEPS = 60


@pytest.fixture
def trained(monkeypatch):
    """What was asked of the trainer, which writes two epochs; the latents are not made."""
    asked = []

    def train(config, latents, run, *, device, on_step):
        asked.append((config, latents, run.root, device.type))
        with TraceWriter(run.trace, 0) as trace:
            for step in range(STEPS):
                row = row_of(step, raw_mf=0.25 + 3 * step, weighted=2.0 - step / 7)
                trace.append(row)
                on_step(SimpleNamespace(row=row))
        asked[-1] += (read_trace(run.trace),)
        return Outcome(Ending.FINISHED, STEPS)

    store = SimpleNamespace(description=SimpleNamespace(content_hash="0" * 64), split=lambda name: name)
    monkeypatch.setattr("neuromf.training.loop.train", train)
    monkeypatch.setattr("neuromf.training.latents.store.training_store", lambda config: store)
    return asked


def test_every_training_leaves_the_curve_of_its_own_trace(trained, tmp_path):
    """Each is trained with its repair and seed on the CPU, tells every step, and leaves its epochs in its own file."""
    folder, told = tmp_path / "of" / "today", []
    todo = jobs(folder, ["none", "beta2"], 2, epochs=2)
    endings = list(run_jobs(todo, 1, lambda *step: told.append(step)))

    assert endings == [(job, "finished at step 60") for job in todo]
    repairs = {repair.name: repair for repair in REPAIRS}
    asked = [(small_config(repairs[job.repair], job.seed, 2), "train", "cpu") for job in todo]
    assert [(config, latents, device) for config, latents, _, device, _ in trained] == asked
    assert not any(root.exists() for _, _, root, _, _ in trained)
    assert told[:STEPS] == [
        (step + 1, STEPS, f"weighted {2.0 - step / 7:.4f} MF {0.25 + 3 * step:.3g}") for step in range(STEPS)
    ]
    kept = read_curves(folder, ["none", "beta2"], 2)
    expected = epoch_curve(trained[0][4], trained[0][0])
    for curve in (*kept["none"], *kept["beta2"]):
        pd.testing.assert_frame_equal(curve, expected, rtol=1e-5, check_dtype=False)
    assert jobs(folder, ["none", "beta2"], 2, epochs=2) == []

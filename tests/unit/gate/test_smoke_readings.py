"""What the smoke training is judged by, recomputed from the rows of its trace and the configuration's keys."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from neuromf_spec.registry import law

from neuromf.config.resolve import flat_config
from neuromf.gate import smoke
from neuromf.gate.smoke import SmokeRun, run_smoke
from neuromf.gate.smoke_latents import SmokeLatents
from neuromf.gate.static import CHECKS
from neuromf.monitor.guard.alarm import Alarm, Level, Verdict
from tests.support.tiny_run import make_tiny_config

KEYS = (
    "data.shape=[16,16,16]",
    "training.epochs=1", "training.micro_batches_per_epoch=6", "training.learning_rate=0.004", "meanflow.norm_eps=0.37",
    "meanflow.norm_p=0.8", "meanflow.reduction=sum", "meanflow.loss_terms=dual", "training.divergence_threshold=71",
    "time_sampling.uniform_fraction=0.3", "ema.decay=0.6",
)  # fmt: skip
"""Three steps; no two keys that a law compares are alike."""
SUMMED = ("raw_total", "raw_fm", "raw_mf", "weighted", "objective")


@pytest.fixture(scope="module")
def small():
    return make_tiny_config(*KEYS)


@pytest.fixture(scope="module")
def trained(small) -> SmokeRun:
    """Three steps on random latents, the second one with the largest loss; what shrinks and encodes is left out."""
    return smoke_of(small, lambda record, _: replace(record, row=risen(record.row)))


def risen(row):
    """The same row, its losses times 1, 2.5 and 1.7 in the three steps: neither end is the largest."""
    return row | {name: row[name] * (1.0, 2.5, 1.7)[row["step"]] for name in SUMMED}


def smoke_of(small, change, *, before=None) -> SmokeRun:
    """The smoke training with its records, and the state after them, changed before they are judged.

    `before` replaces what is judged before the first step, which takes as long as three steps.
    """
    true = smoke.train_step
    noise = torch.randn(6, *small.latent_shape, generator=torch.Generator().manual_seed(0))
    moments = {"dim": (0, 2, 3, 4), "keepdim": True}
    latents = (noise - noise.mean(**moments)) / noise.std(correction=0, **moments)
    chosen = SmokeLatents(small, latents, latents, "noise", None, "no file")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smoke, "small_scale", lambda config: small)
        patch.setattr(smoke, "smoke_latents", lambda *_: chosen)
        patch.setattr(smoke, "train_step", lambda state, *more: change(true(state, *more), state))
        if before is not None:
            patch.setattr(smoke, "launch_readings", before)
        return run_smoke(small, {check.key: f"source of {check.key}" for check in CHECKS.values() if check.key})


def expected(run, small):
    """Arguments of the laws that the smoke training itself asks, from its rows."""
    k, first, last = flat_config(small), run.rows[0], run.rows[-1]
    dims = 4 * (k["data.shape"][0] // 4) ** 3
    summed = last["raw_total"] / 2 * dims
    largest = max(row["raw_total"] for row in run.rows)
    return {
        "WGT-005": {"loss": summed, "norm_eps": k["meanflow.norm_eps"], "norm_p": k["meanflow.norm_p"]},
        "GUARD-003": {"largest": largest, "initial": first["raw_total"], "divergence_threshold": 71.0},
        "EMA-001": {"decay": 0.6, "ema_updates": 3, "optimiser_steps": 3},
        "NUM-001": {"loss": last["raw_total"], "gradient_norm": last["grad_norm"]},
        "JVP-006": {"rho": last["rho"]},
    }


def nothing(*_):
    return ()


ASKED = ("WGT-005", "GUARD-003", "EMA-001", "NUM-001", "JVP-006")


@pytest.mark.parametrize("law_id", [pytest.param(law_id, marks=pytest.mark.law(law_id)) for law_id in ASKED])
def test_a_law_is_asked_of_the_rows_that_it_is_about(trained, small, law_id):
    """The first, the last or the largest row, in the unit of the reduction, a term at a time."""
    result = next(result for result in trained.results if result.law_id == law_id)
    finding = law(law_id).predicate(**expected(trained, small)[law_id])
    value = finding.value if isinstance(finding.value, str) else pytest.approx(finding.value)
    assert (result.value, result.bound, result.detail) == (value, finding.bound, finding.detail)
    assert (result.where, result.title) == ("smoke", law(law_id).title)


def test_a_live_result_names_the_key_that_the_static_one_names(trained):
    """And where its value comes from; a law without a static check names none."""
    for result in trained.results:
        key = CHECKS[result.law_id].key if result.law_id in CHECKS else ""
        source = f"source of {key}" if key else ""
        assert (result.key, result.value_source) == (key, source)


def test_the_summary_holds_both_ends_of_every_loss(trained):
    """First and last row, by column."""
    summary = trained.summary
    assert summary["steps"] == len(trained.rows) == 3
    assert [row["step"] for row in trained.rows] == [0, 1, 2]
    assert summary["first"] == {name: trained.rows[0][name] for name in SUMMED}
    assert summary["last"] == {name: trained.rows[-1][name] for name in SUMMED}
    assert (summary["latents"], summary["ended_early"]) == ("noise", "")


def test_every_law_that_a_training_is_judged_by_is_judged_live(trained):
    """Before the first step, at every step, and where it ended."""
    before = {"DATA-001", "TIME-001", "TIME-004", "JVP-005", "JVP-003", "GUARD-001", "PRED-002"}
    steps = {"NUM-001", "OBS-001", "LR-001", "LR-002", "TIME-002", "WGT-002", "JVP-006", "EMA-001"}
    checks = {"OPT-002", "OPT-003", "OPT-004", "OPT-005", "BATCH-003"}
    assert {result.law_id for result in trained.results} == {*before, *steps, *checks, "WGT-005", "GUARD-003"}


def test_a_smoke_training_that_is_halted_ends_with_the_reason(small):
    """The step that is halted on is the last, and the verdict says why."""

    def change(record, _):
        said = {"value": "99", "bound": "<= 71", "message": "rose 99-fold"}
        alarm = Alarm(law="GUARD-001", level=Level.HALT, **said)
        return replace(record, verdict=Verdict((alarm,), (alarm,))) if record.row["step"] == 1 else record

    run = smoke_of(small, change, before=nothing)
    assert (len(run.rows), run.message) == (2, "rose 99-fold")
    assert run.summary["ended_early"] == "rose 99-fold"


@pytest.mark.law("EMA-001")
def test_an_average_that_strays_in_one_weight_is_found(small):
    """The closed form is computed beside the trainer's own average, which may not serve as its own judge."""

    def change(record, state):
        if record.row["step"] == 1:
            next(reversed(state.ema.shadow.values())).view(-1)[0] += 1e-3
        return record

    average = next(result for result in smoke_of(small, change, before=nothing).results if result.law_id == "EMA-001")
    assert (average.status, average.value) == ("block", -1)


def test_a_training_without_an_average_is_judged_without_its_law():
    """With ema.decay null the smoke training says nothing of EMA-001, and draws its picture with the weights."""
    found = smoke_of(make_tiny_config(*KEYS, "ema.decay=null"), lambda record, _: record, before=nothing)
    assert "EMA-001" not in {result.law_id for result in found.results}
    assert found.generated.any()

"""Which runs a measurement makes, and what an attribution compares: without a training."""

import contextlib
import math

import pytest

from neuromf.golden.case import read_case
from neuromf.golden.runner import CaseRun
from neuromf.golden.tolerances import relative_differences
from neuromf.golden.verdict import CaseOutcome
from neuromf.trace.columns import NAMES
from tests.support.trace_strategies import frame_of, table_of, with_cell
from tools.golden import attribute as attribution
from tools.golden import measure
from tools.golden.faults import FAULTS, NumericalFault
from tools.golden.noise import PERTURBATIONS, Perturbation

CASE = read_case("x_exact")


@pytest.fixture
def runs(monkeypatch):
    """Every run that is asked for: its configuration, its preparation, and what held while it was made."""
    made, held = [], []

    @contextlib.contextmanager
    def while_(name):
        held.append(name)
        yield
        held.remove(name)

    def run_steps(config, steps, prepare=None):
        made.append((config, steps, prepare, tuple(held)))
        frame = frame_of(4)
        return CaseRun(with_cell(frame, 1, "lr", float(frame.loc[1, "lr"]) * (1 + 0.125 * (len(made) - 1))), "")

    slower = lambda config: config.model_copy(update={"ema": config.ema.model_copy(update={"decay": 0.5})})  # noqa: E731
    monkeypatch.setattr(measure, "run_steps", run_steps)
    noise = (
        Perturbation("context", context=lambda: while_("noise")),
        Perturbation("config", config=slower),
        Perturbation("state", state=len),
    )
    faults = (
        NumericalFault("values", "EMA-001", "ema", "", config=slower),
        NumericalFault("code", "LR-002", "optimiser", "", code=lambda: while_("fault")),
    )
    monkeypatch.setattr(measure, "PERTURBATIONS", noise)
    monkeypatch.setattr(measure, "FAULTS", faults)
    return made


def test_a_measurement_runs_the_case_and_then_each_change_alone(runs):
    """Each benign change and each fault is there in its own run and in no other, for as many steps as the case has."""
    told = []
    measure.measure_case(CASE, lambda done, total, name: told.append((done, total, name)))
    assert [held for *_, held in runs] == [(), ("noise",), (), (), (), ("fault",)]
    assert [config.ema.decay == 0.5 for config, *_ in runs] == [False, False, True, False, True, False]
    assert [prepare is len for _, _, prepare, _ in runs] == [False, False, False, True, False, False]
    assert {steps for _, steps, *_ in runs} == {CASE.contract.steps}
    assert told == [(n, 6, name) for n, name in enumerate(
        ["undisturbed", "context", "config", "state", "values", "code"], 1)]  # fmt: skip


def test_noise_and_effects_are_measured_from_the_undisturbed_run(runs):
    """By change and by column; the run with the smallest number is the one that was made without any."""
    measurement = measure.measure_case(CASE)
    assert measurement.noise["lr"].to_dict() == pytest.approx({"context": 0.125, "config": 0.25, "state": 0.375})
    assert measurement.effects["lr"].to_dict() == pytest.approx({"values": 0.5, "code": 0.625})
    others = [name for name in NAMES if name != "lr"]
    assert not measurement.noise[others].to_numpy().any()
    assert not measurement.effects[others].to_numpy().any()


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_difference_is_measured_of_each_column(name):
    """Relative to the golden's number, not to the run's; text that differs is infinitely far."""
    golden = frame_of(4)
    moved = "other" if name == "batch_hash" else 3 * float(golden.loc[2, name])
    found = relative_differences(CaseRun(with_cell(golden, 2, name, moved), "").table, CaseRun(golden, "").table)
    assert found.pop(name) == (math.inf if name == "batch_hash" else pytest.approx(2.0))
    assert set(found.values()) == {0.0}


def test_every_perturbation_keeps_what_the_run_means():
    """The same data, seed, samples of a step, steps and objective, however they are cut up."""
    config = CASE.config
    for change in PERTURBATIONS:
        other = change.config(config)
        sizes = [
            (c.training.batch_size_per_gpu * c.training.gradient_accumulation_steps,
             c.training.micro_batches_per_epoch * c.training.batch_size_per_gpu)
            for c in (config, other)
        ]  # fmt: skip
        assert sizes[0] == sizes[1]
        cut = ("batch_size_per_gpu", "gradient_accumulation_steps", "micro_batches_per_epoch")
        same = other.training.model_copy(update={name: getattr(config.training, name) for name in cut})
        assert other.model_copy(update={"training": same}) == config


def test_every_fault_changes_configuration_or_code():
    """A fault that is neither would be called unseen by every column."""
    for fault in FAULTS:
        assert (fault.config is None) != (fault.code is None)
        assert (fault.changed(CASE.config) != CASE.config) == (fault.config is not None)


def moved_table(factor):
    frame = frame_of(4)
    return CaseRun(with_cell(frame, 2, "lr", float(frame.loc[2, "lr"]) * factor), "")


@pytest.mark.law("OBS-002")
@pytest.mark.parametrize(
    ("now", "then", "outcome", "words"),
    [
        (1.0, None, CaseOutcome.PASS, "give the golden numbers"),
        (1.5, 1.5, CaseOutcome.ENV_DRIFT, "the environment moved, not the code"),
        (1.5, 1.0, CaseOutcome.REGRESSED, "differs first at step 2, column lr"),
        (1.5, 1.25, CaseOutcome.REGRESSED, "differs first at step 2, column lr"),
        (float("nan"), float("nan"), CaseOutcome.REGRESSED, "not finite first at step 2, column lr"),
    ],
)
def test_a_difference_is_of_the_environment_where_its_own_commit_has_it(monkeypatch, now, then, outcome, words):
    """And the code's where it does not; where there is none, that commit is not run."""
    ran = []
    monkeypatch.setattr(attribution, "golden_table", lambda case: table_of(4))
    monkeypatch.setattr(attribution, "tolerance_frame", lambda case: None)
    monkeypatch.setattr(attribution, "tolerances_from", lambda frame: {})
    monkeypatch.setattr(attribution, "provenance", lambda case: {"commit": "c" * 40})
    monkeypatch.setattr(attribution, "run_steps", lambda config, steps: moved_table(now))
    monkeypatch.setattr(attribution, "_run_at", lambda commit, case: ran.append(commit) or moved_table(then).table)
    found, sentence = attribution.attribute(CASE)
    assert found is outcome
    assert words in sentence
    assert ran == ([] if outcome is CaseOutcome.PASS else ["c" * 40])
    assert ("c" * 12 in sentence) == bool(ran)

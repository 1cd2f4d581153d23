"""Verdicts on logs: real ones of every library, the lost run, healthy runs of many kinds, and faults put in."""

import numpy as np
import pytest

from neuromf.checkout import golden_folder
from neuromf.diagnosis.logs.diagnosed import diagnose_path
from neuromf.diagnosis.logs.judge import judge_log
from neuromf.diagnosis.logs.knowledge import knowledge_of
from neuromf.diagnosis.logs.verdict import Health
from tests.support.healthy_curves import KINDS
from tests.support.log_files import REAL, csv_text, falling, lost_run_summary, run_log

DERIVATIVE, RATE = "the time derivative du/dt", "a learning rate that is too high"
WRITERS = (
    "lightning_csv_{}", "lightning_tensorboard_{}", "transformers_{}", "mlflow_{}", "plain_{}.csv", "plain_{}.jsonl",
    "meanflow_{}.csv",
)  # fmt: skip
HEALED = ("all_together", "exact_jvp_and_time_scale", "laws_together")
"""Repairs with which the small trainings in `golden/replay` do not explode."""


def first(path, **options):
    (verdict,) = diagnose_path(path, **options)
    return verdict


def judged(axis="step", every=1.0, **columns):
    return judge_log(run_log(axis, every, **columns))


@pytest.mark.parametrize("writer", WRITERS)
def test_a_real_healthy_log_is_healthy(writer):
    """Made by the library itself, of a small network that learns."""
    verdict = first(REAL / writer.format("healthy"))
    assert (verdict.health, verdict.alarms, verdict.suspects) == (Health.HEALTHY, [], [])


@pytest.mark.law("WGT-002")
@pytest.mark.law("GUARD-001")
@pytest.mark.parametrize("writer", WRITERS)
def test_a_real_broken_log_is_stopped_at_its_start_for_the_rate(writer):
    """The same network at a rate that throws it: the first tenth of the run is enough, and the rate is named."""
    verdict = first(REAL / writer.format("broken"))
    assert verdict.health is Health.ALARMS
    assert verdict.stop.step < 0.1 * verdict.log.last
    assert verdict.saving.share > 0.9
    assert verdict.suspects[0].name == RATE


def test_the_lost_run_is_explained_by_its_summary_alone(tmp_path):
    """What the review took pages to find: the loss was blind, since when, and what to look at; and the derivative."""
    verdict = first(lost_run_summary(tmp_path))
    assert verdict.health is Health.ALARMS
    assert (verdict.losses.shown, verdict.blind.kind, verdict.blind.law) == ("loss_mean", "constant", "WGT-002")
    assert "read 2 at all 225 points" in verdict.blind.says
    assert "2 weighted terms" in verdict.blind.says
    # Between the records of epochs 24 (523) and 99 (1,561); the guard stops it before the record of epoch 124 (12,009).
    assert 24 < verdict.since < 99
    assert 99 < verdict.stop.step < 124
    assert 0.4 < verdict.saving.share < 0.6
    assert verdict.suspects[0].name == DERIVATIVE
    assert any("4,817 times" in line for line in verdict.suspects[0].supporting)
    assert "The raw loss of every step" in verdict.next_time[0]


def test_the_lost_run_s_configuration_makes_the_laws_speak(tmp_path):
    """Its recipe adds the laws that it breaks, its blocks' gradients, and what would pass."""
    verdict = first(lost_run_summary(tmp_path), known=knowledge_of("failed_225"))
    suspect = verdict.suspects[0]
    assert (suspect.name, suspect.law) == (DERIVATIVE, "JVP-003")
    assert any("JVP-005" in line for line in suspect.supporting)
    assert any("gradient norm of out" in line for line in suspect.neither)
    assert suspect.try_next == "Set meanflow.jvp=exact meanflow.fd_step=null unet.time_scale=1.0 and train again."


@pytest.mark.law("JVP-003")
def test_facts_of_another_code_make_the_laws_speak(tmp_path):
    """A file of facts names the derivative's fault in words, for its keys are not ours."""
    facts = tmp_path / "facts.yaml"
    facts.write_text(
        "derivative: forward\ndifference_step: 1.0e-3\ntime_scale: 1000.0\nderivative_precision: bf16\nmu: -0.4\n"
        "sigma: 1.0\nuniform_fraction: 0.0\ndata_proportion: 0.25\nsampler_t_min: 0.001\nprediction: x\n"
    )
    suspect = first(lost_run_summary(tmp_path), known=knowledge_of(str(facts))).suspects[0]
    assert (suspect.name, suspect.law) == (DERIVATIVE, "JVP-003")
    assert any(line.startswith("JVP-005") for line in suspect.supporting)
    assert "forward-mode differentiation" in suspect.try_next


@pytest.mark.parametrize(
    "path", sorted(golden_folder().joinpath("replay/epochs60").glob("*.csv")), ids=lambda p: p.stem
)
def test_a_small_training_of_the_lost_run_is_judged_by_its_curve(path):
    """Thirty explode and have the derivative named first; the nine that both repairs heal are healthy."""
    verdict = first(path)
    if path.name.split(".")[0] in HEALED:
        assert verdict.health is Health.HEALTHY
    else:
        assert verdict.health is Health.ALARMS
        assert verdict.suspects[0].name == DERIVATIVE


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_healthy_runs_of_many_kinds_raise_no_alarm(kind):
    """Six of each of thirteen kinds, a row a step and a row every fifth: 156 logs without a false alarm."""
    for seed in range(6):
        loss = kind(np.random.default_rng(seed))
        for every in (1, 5):
            verdict = judged(every=every, loss=loss[::every])
            assert verdict.alarms == [], (seed, every)
            assert verdict.health is Health.HEALTHY or len(loss[::every]) < 10


@pytest.mark.law("GUARD-005")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_healthy_runs_of_many_kinds_by_epoch_raise_no_alarm(kind):
    """The same as epochs' means, sixty and two hundred of them."""
    for seed in range(3):
        loss = kind(np.random.default_rng(seed))
        for epochs in (60, 200):
            means = [part.mean() for part in np.array_split(loss, min(epochs, len(loss)))]
            assert judged("epoch", loss=means).alarms == [], (seed, epochs)


def test_a_slow_climb_is_stopped_before_a_hundredfold():
    """The loss falls for half of the run and then doubles every fiftieth of it."""
    rows = 3000
    climb = 2.0 ** np.maximum((np.arange(rows) - rows / 2) / (rows / 50), 0)
    verdict = judged(loss=falling(rows) * climb)
    assert verdict.stop.law == "GUARD-005"
    assert 1500 < verdict.stop.step < 2200
    assert abs(verdict.since - 1500) < 120  # a doubling, which is where it began, takes 60 rows; a level is 75


def test_a_run_that_breaks_late_says_where():
    """A loss that is sound until it is NaN: the number is the first suspect, not the rate."""
    loss = falling(2000)
    loss[1700:] = np.nan
    verdict = judged(loss=loss)
    assert (verdict.stop.law, verdict.stop.step, verdict.since) == ("NUM-001", 1700, 1700)
    assert verdict.suspects[0].law == "NUM-001"


def test_a_gradient_that_overflows_once_is_borne():
    """Where losses are scaled for 16-bit numbers such steps are left out: a note says so, and no alarm."""
    norm = np.ones(400)
    norm[[3, 90]] = np.inf
    verdict = judged(loss=falling(400), grad_norm=norm)
    assert verdict.health is Health.HEALTHY
    assert any("Borne: grad_norm is inf at step 3" in note for note in verdict.notes)


def test_a_loss_that_is_nan_once_is_an_alarm_that_stops_nothing():
    """It came back; a training of ours would have stopped, and here the step is named."""
    loss = falling(400)
    loss[100] = np.nan
    verdict = judged(loss=loss)
    assert verdict.health is Health.ALARMS
    assert verdict.stop is None
    assert "finite again" in verdict.alarms[0].says


@pytest.mark.law("WGT-002")
@pytest.mark.parametrize(("value", "kind"), [(2.0, "constant"), (1 - 3e-7, "saturated")])
def test_a_saturated_loss_alone_cannot_tell(value, kind):
    """It reads the same whether the run learns or explodes, and no other loss is there."""
    noise = 0 if kind == "constant" else np.random.default_rng(0).uniform(-1e-7, 1e-7, 300)
    verdict = judged(loss=value + np.zeros(300) + noise)
    assert (verdict.health, verdict.blind.kind) == (Health.CANNOT_TELL, kind)
    assert "No other loss is in the log" in verdict.doubts[0]


def test_a_loss_behind_a_loss_that_stands_still_is_found_by_its_behaviour():
    """No name says that it is the raw one; it moves where `loss` does not, and is judged."""
    loss = np.ones(500)
    verdict = judged(loss=loss, mf_loss=falling(500)[::-1] ** 2)
    assert verdict.losses.judged == "mf_loss"
    assert "moves where loss stands still" in verdict.notes[0]
    assert verdict.health is Health.ALARMS


def test_a_rounded_loss_is_said_to_be_rounded():
    """Two decimals leave three values of a loss that goes on falling."""
    verdict = judged(loss=np.round(0.02 + 0.01 * np.exp(-np.arange(300) / 100), 2))
    assert (verdict.blind.kind, verdict.blind.law) == ("rounded", "OBS-001")


def test_a_loss_that_never_falls_cannot_tell():
    """It learns nothing, or had learnt before; a fall by a twentieth is told from noise of a tenth."""
    noise = np.random.default_rng(0).normal(1, 0.1, 2000)
    assert judged(loss=noise).health is Health.CANNOT_TELL
    assert judged(loss=noise - 0.05 * (np.arange(2000) > 500)).health is Health.HEALTHY


def test_a_few_rows_cannot_tell():
    """Nine are too few for a course, ten are enough."""
    assert judged(loss=falling(9)).health is Health.CANNOT_TELL
    assert judged(loss=falling(10)).health is Health.HEALTHY


def test_no_loss_cannot_tell():
    """And the way out is named."""
    verdict = judged(accuracy=falling(50), throughput=falling(50))
    assert verdict.health is Health.CANNOT_TELL
    assert "--map loss=COLUMN" in verdict.doubts[0]


def test_mf_and_fm_losses_apart_name_the_derivative():
    """The MF loss climbs while the FM loss falls: law GUARD-006 speaks, whatever the total does."""
    flow = falling(1200)
    verdict = judged(raw_loss_fm=flow, raw_loss_mf=flow * np.geomspace(1, 40, 1200))
    assert "GUARD-006" in {alarm.law for alarm in verdict.alarms}
    assert verdict.suspects[0].name == DERIVATIVE


def test_a_loss_below_zero_is_judged_by_its_distance_from_its_best():
    """A log likelihood that falls by eight and then rises by two hundred."""
    loss = 5 - 8 * (1 - np.exp(-np.arange(2000) / 200)) + np.random.default_rng(0).normal(0, 0.3, 2000)
    assert judged(loss=loss).health is Health.HEALTHY
    loss[1500:] += np.linspace(0, 200, 500)
    assert judged(loss=loss).stop.law == "GUARD-005"


def test_hours_saved_are_read_off_the_log_s_clock(tmp_path):
    """A row a minute: what is left of the run at its stop is so many minutes."""
    loss = falling(600)
    loss[300:] = np.inf
    path = tmp_path / "log.csv"
    path.write_text(csv_text(step=range(600), loss=loss, _runtime=[60 * row for row in range(600)]))
    verdict = first(path)
    assert verdict.saving.steps == 299
    assert verdict.saving.hours == pytest.approx(299 / 60)


def test_what_is_mapped_is_judged():
    """The user's word stands above every name."""
    log = run_log(loss=falling(400), strange=np.geomspace(1, 1e6, 400))
    assert judge_log(log).health is Health.HEALTHY
    verdict = judge_log(log, {"raw_total": "strange"})
    assert (verdict.losses.judged, verdict.losses.shown, verdict.health) == ("strange", "loss", Health.ALARMS)

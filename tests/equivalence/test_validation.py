"""What validations do to a training: nothing; and what they leave, however it is cut up (laws VAL-004, VAL-006)."""

import math
import shutil
from dataclasses import replace

import pytest
import torch
from neuromf_spec.registry import law
from safetensors.torch import load_file
from torch import nn

from neuromf.errors import InputError
from neuromf.flow.objective import meanflow_objective
from neuromf.monitor.events import read_events
from neuromf.training.batches.source import BatchSource
from neuromf.training.checkpoints.checkpoint import AVERAGE, FILES, latest_checkpoint, read_checkpoint
from neuromf.training.checkpoints.named import named_checkpoint, won_by
from neuromf.training.held_out import losses as held_out_losses
from neuromf.training.held_out import validator as validator_module
from neuromf.training.held_out.record import LOSSES, read_validations
from neuromf.training.held_out.validator import Validator
from neuromf.training.latents.store import training_store
from neuromf.training.loop import Ending, train
from neuromf.training.records.run_folder import create_run, open_run
from neuromf.training.records.summary import read_summary
from neuromf.training.run_writer import RunWriter
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step
from tests.support.tiny_run import make_tiny_config
from tests.support.validating_ranks import COHORT

CPU = torch.device("cpu")
EACH_EPOCH = ("training.validate_every_epochs=1", *COHORT)


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    """Normalised training and validation latents of six real heads each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEUROMF_CACHE", str(tmp_path_factory.mktemp("cache")))
        store = training_store(make_tiny_config(*COHORT))
        return store.split("train"), store.split("validation")


def run_in(folder, config, splits, **options):
    """Train in a folder, new or to be resumed."""
    run = open_run(folder, config)[0] if options.get("resume") else create_run(folder, config, "")
    return run, train(config, splits[0], run, device=CPU, validation=splits[1], **options)


def files_of(run):
    """Everything that may not depend on interruptions, the best checkpoint too."""
    checkpoint, best = latest_checkpoint(run.root), run.root / "checkpoints" / "best"
    weights = {
        f"{folder.name}/{name}": (folder / name).read_bytes() for folder in (checkpoint.path, best) for name in FILES
    }
    return weights | {path.name: path.read_bytes() for path in (run.trace, run.summary, run.validations)}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, splits):
    """A run of two epochs that validates after each, left alone."""
    config = make_tiny_config(*EACH_EPOCH)
    return config, run_in(tmp_path_factory.mktemp("whole") / "run", config, splits)[0]


def differing(first, second):
    return sorted(name for name in first.keys() | second.keys() if first.get(name) != second.get(name))


@pytest.mark.law("EMA-003")
def test_a_run_that_validates_trains_as_one_that_does_not(tmp_path, whole, splits):
    """Trace, weights, average and moments are the same bytes, and the summary says the same besides."""
    run, _ = run_in(tmp_path / "run", make_tiny_config(*COHORT), splits)
    _, validated = whole
    assert run.trace.read_bytes() == validated.trace.read_bytes()
    for name in FILES:
        there, here = (latest_checkpoint(each.root).path / name for each in (run, validated))
        assert there.read_bytes() == here.read_bytes()
    told = [
        {key: value for key, value in record.items() if key not in LOSSES} for record in read_summary(validated.summary)
    ]
    assert told == read_summary(run.summary)
    assert not run.validations.exists()
    assert [event.law for event in read_events(validated.events) if event.level == "warn"] == []


def test_the_summary_and_tensorboard_have_what_the_table_has(whole):
    """The losses of each validation stand in the record of its epoch."""
    _, run = whole
    rows = read_validations(run.validations)
    assert [(row.epoch, row.step, row.scans, row.samples) for row in rows] == [(1, 3, 6, 24), (2, 6, 6, 24)]
    for row, record in zip(rows, read_summary(run.summary), strict=True):
        assert {name: record[name] for name in LOSSES} == row.losses
    assert all(math.isfinite(value) for row in rows for value in row.losses.values())


@pytest.mark.law("VAL-004")
def test_the_numbers_are_those_of_the_averaged_weights_on_each_split(whole, splits):
    """Evaluated again, scan by scan, from the checkpoint's average and none of the validator's code but its draws."""
    config, run = whole
    row = read_validations(run.validations)[-1]
    state = initial_state(config, (1.0,) * 4, CPU)
    state.model.load_state_dict(load_file(latest_checkpoint(run.root).path / AVERAGE))
    training, held_out = splits
    samples = []
    for latents, prefix in ((held_out, "val"), (training, "train")):
        found = [scan_losses_again(state.model, config, latents[place], place) for place in range(6)]
        samples.append(found)
        expected = torch.stack(found).mean((0, 2))
        # A pass a sample where the validator takes eight: float32 kernels round otherwise, 1e-6 was measured.
        assert [getattr(row, f"{prefix}_{kind}") for kind in ("fm", "mf")] == pytest.approx(expected.tolist(), rel=1e-4)
        share = config.time_sampling.data_proportion
        total = share * getattr(row, f"{prefix}_fm") + (1 - share) * getattr(row, f"{prefix}_mf")
        assert getattr(row, f"{prefix}_total") == pytest.approx(total, rel=1e-12)
    ratios = [torch.log(held / own).mean() for held, own in zip(*samples, strict=True)]
    assert row.gap == pytest.approx(float(torch.expm1(torch.stack(ratios).mean())), rel=1e-3)
    assert row.gap_low < row.gap < row.gap_high


def scan_losses_again(net, config, x, place):
    """Raw losses of a scan, a sample at a time: of four FM samples, then of four MF samples."""
    from neuromf.config.flow_settings import objective_settings
    from neuromf.training.held_out.draws import scan_batch

    batch = scan_batch(config, x, place, CPU)
    errors = []
    for sample in range(8):
        own = slice(sample, sample + 1)
        one = replace(batch, x=batch.x[own], e=batch.e[own], r_B=batch.r_B[own], t_B=batch.t_B[own], mf_rows=None)
        with torch.no_grad():
            objective = meanflow_objective(net, one, objective_settings(config.meanflow))
        errors.append(objective.terms["velocity"].squared_error.double().mean())
    return torch.stack(errors).reshape(2, 4)


@pytest.mark.law("CKPT-001")
@pytest.mark.law("VAL-004")
@pytest.mark.parametrize("stops", [(3,), (2, 4), (1, 3, 5)])
def test_a_stopped_and_resumed_run_validates_as_one_left_alone(tmp_path, whole, splits, stops):
    """Every file is the same bytes, the table of validations and the best checkpoint among them."""
    config, undisturbed = whole
    for number, stop in enumerate((*stops, None)):
        run, _ = run_in(tmp_path / "run", config, splits, resume=number > 0, max_steps=stop)
    judged = law("VAL-004").predicate(differing=differing(files_of(run), files_of(undisturbed)))
    assert judged.passed, judged


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the program catches it."""


@pytest.mark.law("CKPT-001")
@pytest.mark.parametrize("method", ["sample", "save_best", "save"])
@pytest.mark.parametrize("step", [3, 6])
def test_a_kill_beside_a_validation_costs_no_row_and_doubles_none(tmp_path, whole, splits, method, step):
    """Killed after the row and before preview, best or checkpoint, the resumed run ends in the same bytes."""
    config, undisturbed = whole
    original = getattr(RunWriter, method)

    def killed(writer, state, *rest, **how):
        if state.step >= step:  # of a checkpoint, at the next that is due
            raise Killed
        original(writer, state, *rest, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunWriter, method, killed)
        patch.setattr("neuromf.training.loop.is_sampled", lambda step, every: True)
        with pytest.raises(Killed):
            run_in(tmp_path / "run", config, splits)
    run, _ = run_in(tmp_path / "run", config, splits, resume=True)
    assert differing(files_of(run), files_of(undisturbed)) == []


@pytest.mark.law("VAL-004")
def test_the_size_of_a_micro_batch_changes_no_validation(splits):
    """The same weights, judged in a run of other micro-batches, have the same bits."""
    rows = []
    for size, accumulation in ((4, 2), (2, 4)):
        sizes = (f"training.batch_size_per_gpu={size}", f"training.gradient_accumulation_steps={accumulation}")
        config = make_tiny_config(*EACH_EPOCH, *sizes, "training.micro_batches_per_epoch=1", "training.epochs=4")
        state = initial_state(config, (1.0,) * 4, CPU)
        state.step = 1
        rows.append(Validator(config, *splits).after_step(state).row.losses)
    assert rows[0] == rows[1]


@pytest.mark.law("VAL-004")
def test_noise_and_times_are_the_same_at_every_validation(splits):
    """Weights that do not move have the same losses epoch after epoch."""
    config = make_tiny_config(*EACH_EPOCH)
    state, validator = initial_state(config, (1.0,) * 4, CPU), Validator(config, *splits)
    found = []
    for state.step in (3, 6):
        found.append(validator.after_step(state).row.losses)
    assert found[0] == found[1]


@pytest.mark.law("VAL-006")
def test_the_best_checkpoint_is_that_of_the_lowest_validation(tmp_path, splits):
    """At a rate that spoils the weights after the first epochs; it says by which metric and value it won."""
    overrides = ("training.learning_rate=0.3", "training.gradient_clip=null", "training.epochs=5", "ema.decay=0.1")
    guard = ("training.divergence_threshold=1.0e+12", "training.divergence_warn_ratio=1.0e+11")
    config = make_tiny_config(*EACH_EPOCH, *overrides, *guard, "training.validation_metric=val_fm")
    run, _ = run_in(tmp_path / "run", config, splits)
    rows = read_validations(run.validations)
    best = min(rows, key=lambda row: row.val_fm)
    assert best is not rows[-1]
    kept = read_checkpoint(run.root / "checkpoints" / "best")
    assert (kept.step, kept.state["won_by"]) == (best.step, {"metric": "val_fm", "value": best.val_fm})
    assert law("VAL-006").predicate(kept=kept.state["won_by"]["value"], values=[row.val_fm for row in rows]).passed
    assert won_by(kept).startswith(", best by val_fm ")
    assert named_checkpoint(run.root, "best").step == best.step
    assert named_checkpoint(run.root).step == named_checkpoint(run.root, "latest").step == rows[-1].step
    assert named_checkpoint(run.root, str(rows[-1].step)).path.name == f"step_{rows[-1].step:08d}"
    for name in ("7", "worst"):
        with pytest.raises(InputError, match="there is no checkpoint"):
            named_checkpoint(run.root, name)
    shutil.rmtree(kept.path)
    with pytest.raises(InputError, match="no best checkpoint"):
        named_checkpoint(run.root, "best")


@pytest.mark.law("CKPT-001")
def test_a_run_stops_early_with_a_checkpoint_and_is_not_taken_up_again(tmp_path, splits):
    """At a rate at which nothing moves: patience is counted in validations; a resume ends where it was."""
    overrides = ("training.epochs=12", "training.validate_every_epochs=2", "training.early_stop_patience=2")
    still = ("training.learning_rate=1.0e-12", "training.early_stop_min_improvement=0.5")
    config = make_tiny_config(*COHORT, *overrides, *still)
    run, outcome = run_in(tmp_path / "run", config, splits)
    # The first validation is a best; the second and third, after epochs 4 and 6, are none.
    assert (outcome.ending, outcome.step) == (Ending.STOPPED_EARLY, 18)
    assert outcome.message.startswith("val_total has not improved by 50 % or more in 2 validations")
    assert latest_checkpoint(run.root).step == 18
    assert [event.message for event in read_events(run.events)][-1] == f"stopped early: {outcome.message}"
    before = run.trace.read_bytes()
    _, again = run_in(tmp_path / "run", config, splits, resume=True)
    assert (again, run.trace.read_bytes()) == (outcome, before)


@pytest.mark.parametrize("monitors", [True, False])
def test_a_sure_gap_is_warned_of_unless_monitors_are_off(splits, monitors):
    """With a validation split that is twice as large in every number: its losses are far above."""
    config = make_tiny_config(*EACH_EPOCH, f"training.monitors={str(monitors).lower()}")
    state = initial_state(config, (1.0,) * 4, CPU)
    state.step = 3
    found = Validator(config, splits[0], 2 * splits[1]).after_step(state)
    assert found.row.gap_low > 0.1
    assert [event.law for event in found.events] == ["VAL-005"] * monitors


def test_a_training_is_looked_at_around_validations_1_2_4_and_8(splits, monkeypatch):
    """A digest of a large network takes seconds."""
    looked = []
    monkeypatch.setattr(validator_module, "training_digest", lambda state: looked.append(state.step) or "same")
    config = make_tiny_config(*EACH_EPOCH, "training.epochs=9", "training.validation_scans=1")
    state, validator = initial_state(config, (1.0,) * 4, CPU), Validator(config, *splits)
    for state.step in range(3, 28, 3):
        validator.after_step(state)
    assert looked == [step for number in (1, 2, 4, 8) for step in [3 * number] * 2]


@pytest.mark.law("EMA-003")
@pytest.mark.parametrize("part", ["weights", "average", "moments", "randomness", "buffers"])
def test_a_validation_that_changes_the_training_is_told(splits, part):
    """By a digest of all of it before and after."""
    config = make_tiny_config(*EACH_EPOCH)
    state = initial_state(config, (1.0,) * 4, CPU)
    state.model.register_buffer("count", torch.zeros(1))
    train_step(state, BatchSource(splits[0], config, CPU), config)
    state.step = 3
    validator = Validator(config, *splits)
    touched = {
        "weights": next(state.model.parameters()),
        "average": next(iter(state.ema.shadow.values())),
        "moments": next(iter(state.optimiser.state.values()))["exp_avg"],
        "buffers": state.model.count,
    }
    original = validator._losses

    def losses(given):
        if part == "randomness":
            torch.rand(1)
        else:
            with torch.no_grad():
                touched[part].add_(1.0)
        return original(given)

    assert [event.law for event in validator.after_step(state).events] == []
    validator._losses = losses
    assert "EMA-003" in [event.law for event in validator.after_step(state).events]


@pytest.mark.law("EMA-003")
def test_batch_statistics_and_dropout_are_left_as_they_are():
    """In its evaluation mode, on randomness of its own; after it every module is in the mode that it was in."""
    net = nn.Sequential(nn.BatchNorm3d(4), nn.Dropout(0.5), nn.Conv3d(4, 4, 1))
    net[2].eval()
    before, modes = torch.get_rng_state(), [module.training for module in net.modules()]
    statistics = net[0].running_mean.clone()
    with held_out_losses.undisturbed(net):
        net(torch.ones(2, 4, 2, 2, 2))
        torch.rand(3)
        assert not torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(net[0].running_mean, statistics)
    assert [module.training for module in net.modules()] == modes


def test_a_run_without_scans_to_validate_on_is_refused(tmp_path, splits):
    """Before anything is written, by the law's name."""
    config = make_tiny_config(*EACH_EPOCH)
    run = create_run(tmp_path / "run", config, "")
    for missing in (None, splits[1][:0]):
        with pytest.raises(InputError, match="VAL-001"):
            train(config, splits[0], run, device=CPU, validation=missing)
    assert not run.trace.exists()

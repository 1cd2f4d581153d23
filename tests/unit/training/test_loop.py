"""The training loop on real latents: resume, halt, records."""

from __future__ import annotations

import json
import math

import pytest
import torch

from neuromf.errors import InputError
from neuromf.flow.batch import Batch
from neuromf.monitor.events import read_events
from neuromf.trace.reader import read_trace
from neuromf.training.batches.source import BatchSource
from neuromf.training.checkpoints.checkpoint import FILES, latest_checkpoint
from neuromf.training.loop import Ending, train
from neuromf.training.records.run_folder import check_latents, create_run, open_run
from neuromf.training.step.state import initial_state
from neuromf.training.step.train_step import train_step
from tests.support.tiny_run import make_tiny_config

CPU = torch.device("cpu")
TRIGGER_HAPPY = ("training.epochs=5", "training.divergence_warn_ratio=0.001", "training.divergence_threshold=0.01")
"""A guard that halts any run once its window of ten steps is full; the command line's test explodes for real."""


def run_in(folder, config, latents, **options):
    """Train in a folder, new or to be resumed."""
    run = open_run(folder, config)[0] if options.get("resume") else create_run(folder, config, "")
    return run, train(config, latents, run, device=CPU, **options)


def files_of(run):
    """Everything a run recorded that must not depend on interruptions."""
    checkpoint = latest_checkpoint(run.root)
    weights = {name: (checkpoint.path / name).read_bytes() for name in FILES}
    return weights | {path.name: path.read_bytes() for path in (run.trace, run.summary, run.config)}


@pytest.mark.law("CKPT-001")
def test_a_stopped_and_resumed_run_equals_an_undisturbed_one_bit_for_bit(tmp_path, tiny_config, real_latents):
    """Weights, averages, optimiser, trace and summary are the same bytes after two interruptions (CKPT-001)."""
    whole, ending = run_in(tmp_path / "whole", tiny_config, real_latents)
    run_in(tmp_path / "parts", tiny_config, real_latents, max_steps=1)
    run_in(tmp_path / "parts", tiny_config, real_latents, resume=True, max_steps=4)
    parts, _ = run_in(tmp_path / "parts", tiny_config, real_latents, resume=True)

    assert ending.ending is Ending.FINISHED
    assert files_of(whole) == files_of(parts)


@pytest.mark.law("CKPT-001")
def test_an_augmented_run_stopped_and_resumed_equals_an_undisturbed_one(tmp_path, real_latents):
    """Augmentations are drawn by (seed, step, sample), so that nothing of them has to be saved (CKPT-001)."""
    augmenting = ("augmentation.flip_probability=0.5", "augmentation.noise_std=0.1", "augmentation.channel_scale=0.1")
    config = make_tiny_config(*augmenting)
    whole, _ = run_in(tmp_path / "whole", config, real_latents)
    run_in(tmp_path / "parts", config, real_latents, max_steps=3)
    parts, _ = run_in(tmp_path / "parts", config, real_latents, resume=True)
    assert files_of(whole) == files_of(parts)


@pytest.mark.law("CKPT-001")
def test_resume_falls_back_when_the_newest_checkpoint_is_damaged(tmp_path, tiny_config, real_latents):
    """A flipped byte in the newest checkpoint costs its steps, not the run, and is reported."""
    whole, _ = run_in(tmp_path / "whole", tiny_config, real_latents)
    run, _ = run_in(tmp_path / "hurt", tiny_config, real_latents, max_steps=5)
    weights = latest_checkpoint(run.root).path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")

    run_in(tmp_path / "hurt", tiny_config, real_latents, resume=True)

    assert files_of(run) == files_of(whole)
    assert any(event.law == "CKPT-001" and "model.safetensors" in event.message for event in read_events(run.events))


def test_resume_with_another_configuration_is_refused(tmp_path, tiny_config, real_latents):
    """The key that differs is named, and nothing is written."""
    run_in(tmp_path / "run", tiny_config, real_latents, max_steps=1)

    with pytest.raises(InputError) as caught:
        run_in(tmp_path / "run", make_tiny_config("ema.decay=0.5"), real_latents, resume=True)

    assert caught.value.key == "ema.decay"


@pytest.mark.law("CKPT-001")
def test_a_run_killed_before_its_first_checkpoint_starts_again(tmp_path, tiny_config, real_latents):
    """Nothing was saved, and nothing is lost: the resumed run is the undisturbed one (CKPT-001)."""
    whole, _ = run_in(tmp_path / "whole", tiny_config, real_latents)
    run = create_run(tmp_path / "run", tiny_config, "")
    run.trace.write_text("step,torn")

    run_in(tmp_path / "run", tiny_config, real_latents, resume=True)

    assert files_of(run) == files_of(whole)


@pytest.mark.law("CKPT-001")
def test_resume_is_refused_when_every_checkpoint_is_damaged(tmp_path, tiny_config, real_latents):
    """A damaged checkpoint is never mistaken for the start of a run."""
    run, _ = run_in(tmp_path / "run", tiny_config, real_latents, max_steps=1)
    (latest_checkpoint(run.root).path / "state.json").write_text("{}")

    with pytest.raises(InputError, match="no whole checkpoint"):
        run_in(tmp_path / "run", tiny_config, real_latents, resume=True)


def test_resume_is_refused_when_the_trace_has_lost_a_step(tmp_path, tiny_config, real_latents):
    """A resumed trace is whole or there is none; the damaged file is left as it is."""
    run, _ = run_in(tmp_path / "run", tiny_config, real_latents, max_steps=4)
    lines = run.trace.read_text().splitlines(keepends=True)
    run.trace.write_text("".join(lines[:2] + lines[3:]))

    with pytest.raises(InputError, match="ahead of the trace"):
        run_in(tmp_path / "run", tiny_config, real_latents, resume=True)

    assert len(run.trace.read_text().splitlines()) == 4


@pytest.mark.law("CKPT-001")
def test_other_latents_are_refused(tmp_path, tiny_config):
    """A run is not continued or decoded with latents it was not started on."""
    run = create_run(tmp_path / "run", tiny_config, "a" * 64)

    check_latents(run, "a" * 64)
    with pytest.raises(InputError, match="other latents"):
        check_latents(run, "b" * 64)


def test_a_new_run_never_overwrites_an_old_one(tmp_path, tiny_config):
    """A folder that holds a run is refused and left as it was."""
    create_run(tmp_path / "run", tiny_config, "")
    before = (tmp_path / "run" / "config.yaml").read_bytes()

    with pytest.raises(InputError, match="--resume"):
        create_run(tmp_path / "run", make_tiny_config("ema.decay=0.5"), "")

    assert (tmp_path / "run" / "config.yaml").read_bytes() == before


def test_the_cut_into_micro_batches_does_not_change_the_batch(tiny_config, real_latents):
    """Eight samples drawn at once are the eight drawn as two times four (BATCH-002)."""
    source = BatchSource(real_latents, tiny_config, CPU)

    whole = source.draw(3, 0, 8)
    parts = [source.draw(3, start, 4) for start in (0, 4)]

    for name in ("x", "e", "r_B", "t_B"):
        assert torch.equal(getattr(whole, name), torch.cat([getattr(part, name) for part in parts]))


def test_accumulation_equals_one_large_batch(real_latents):
    """Two micro-batches of four give the gradient of one of eight, to float32 rounding (BATCH-002)."""
    gradients = []
    for size, accumulation in ((8, 1), (4, 2)):
        config = make_tiny_config(
            f"training.batch_size_per_gpu={size}", f"training.gradient_accumulation_steps={accumulation}"
        )
        state = initial_state(config, (1.0,) * 4, CPU)
        train_step(state, BatchSource(real_latents, config, CPU), config)
        gradients.append(torch.cat([p.grad.flatten() for p in state.model.parameters() if p.grad is not None]))

    # Two orders of summing 8 x 2,048 float32 terms: measured 2e-7, bound 10 times that.
    assert (gradients[0] - gradients[1]).norm() <= 2e-6 * gradients[0].norm()


def test_the_raw_loss_is_recorded_with_diagnostics_off(tmp_path, real_latents):
    """Every step has its raw losses whatever training.diagnostics says (OBS-001)."""
    config = make_tiny_config("training.diagnostics=false", "training.epochs=1")

    run, _ = run_in(tmp_path / "run", config, real_latents)

    table = read_trace(run.trace)
    assert table[["raw_total", "raw_fm", "raw_mf", "raw_ch0", "raw_ch3"]].notna().all(axis=None)
    assert json.loads(run.summary.read_text())[0]["grad_norm_per_block"] == {}


def test_channel_losses_average_to_the_total(tmp_path, tiny_config, real_latents):
    """raw_total is the mean of the four channels, and of FM and MF by their shares."""
    run, _ = run_in(tmp_path / "run", tiny_config, real_latents, max_steps=3)
    table = read_trace(run.trace)

    channels = table[[f"raw_ch{c}" for c in range(4)]].mean(axis=1)
    kinds = table["frac_fm"] * table["raw_fm"] + (1 - table["frac_fm"]) * table["raw_mf"]

    # Nine digits are kept of each.
    assert (channels / table["raw_total"] - 1).abs().max() < 1e-8
    assert (kinds / table["raw_total"] - 1).abs().max() < 1e-8


@pytest.mark.law("OBS-002")
def test_the_summary_has_one_record_an_epoch_with_the_review_s_names(tmp_path, tiny_config, real_latents):
    """training_summary.json holds the names the failed run's file had, and its means are the trace's."""
    run, _ = run_in(tmp_path / "run", tiny_config, real_latents)
    records, table = json.loads(run.summary.read_text()), read_trace(run.trace)

    assert [(r["epoch"], r["global_step"]) for r in records] == [(0, 3), (1, 6)]
    assert records[1]["raw_loss_mean"] == pytest.approx(table["raw_total"][3:].mean(), rel=1e-12)
    assert {"loss_mean", "loss_std", "raw_loss_fm_mean", "raw_loss_mf_mean", "raw_loss_per_channel"} <= set(records[0])
    assert {"out", "middle_block"} <= set(records[0]["grad_norm_per_block"])


@pytest.mark.law("GUARD-001")
def test_a_run_above_its_threshold_is_halted_with_a_checkpoint(tmp_path, real_latents):
    """The guard halts the run, saves its state and says why (GUARD-001)."""
    config = make_tiny_config(*TRIGGER_HAPPY)

    run, outcome = run_in(tmp_path / "run", config, real_latents)

    assert outcome.ending is Ending.HALTED
    assert latest_checkpoint(run.root).step == outcome.step
    assert [event.law for event in read_events(run.events) if event.level == "halt"] == ["GUARD-001"]


def test_a_halted_run_is_not_resumed_and_keeps_its_last_good_checkpoint(tmp_path, real_latents):
    """Resuming would halt again and push the good checkpoints out, one step at a time."""
    config = make_tiny_config(*TRIGGER_HAPPY, "training.keep_best_checkpoints=0")
    run, outcome = run_in(tmp_path / "run", config, real_latents)
    before = sorted(path.name for path in (run.root / "checkpoints").iterdir())

    with pytest.raises(InputError, match="guard halted"):
        run_in(tmp_path / "run", config, real_latents, resume=True)

    assert sorted(path.name for path in (run.root / "checkpoints").iterdir()) == before
    assert before == [f"step_{step:08d}" for step in (8, 10, outcome.step)]


def test_a_law_that_breaks_in_training_is_an_event(tmp_path, real_latents):
    """A weighted loss reported in the saturated regime is remarked on while the run goes on (WGT-002)."""
    config = make_tiny_config(
        "training.reported_loss=weighted", "meanflow.norm_eps=1.0e-6", "meanflow.reduction=sum", "training.epochs=1"
    )

    run, _ = run_in(tmp_path / "run", config, real_latents)

    assert [event.law for event in read_events(run.events) if event.level == "warn"].count("WGT-002") == 1


@pytest.mark.law("NUM-001")
def test_a_non_finite_step_is_not_applied(tiny_config, real_latents):
    """A NaN in the data leaves weights, average and step count untouched (NUM-001)."""
    state = initial_state(tiny_config, (1.0,) * 4, CPU)
    before = {name: value.clone() for name, value in state.model.state_dict().items()}
    shadow = {name: value.clone() for name, value in state.ema.shadow.items()}

    record = train_step(state, BatchSource(real_latents * math.nan, tiny_config, CPU), tiny_config)

    assert record.verdict.level == "nonfinite"
    assert state.step == 0
    assert all(torch.equal(value, before[name]) for name, value in state.model.state_dict().items())
    assert all(torch.equal(value, shadow[name]) for name, value in state.ema.shadow.items())


def test_a_subject_appears_once_in_each_turn(tiny_config, real_latents):
    """Sixteen draws of three latents use each at least five times, in an order that changes."""
    source = BatchSource(real_latents, tiny_config, CPU)
    batches: list[Batch] = [source.draw(step, 0, 8) for step in range(3)]
    drawn = torch.cat([batch.x for batch in batches])[:, 0].flatten(1)
    index = [int((drawn[i] - real_latents[:, 0].flatten(1)).norm(dim=1).argmin()) for i in range(24)]

    turns = [tuple(index[i : i + 3]) for i in range(0, 24, 3)]

    assert all(sorted(turn) == [0, 1, 2] for turn in turns)
    assert len(set(turns)) > 1

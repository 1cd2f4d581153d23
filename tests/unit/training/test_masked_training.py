"""Masks of the loss in a training: the same in any cut and by any worker, and none in a validation."""

from __future__ import annotations

import pandas as pd
import pytest
import torch

from neuromf.export.export import export_run
from neuromf.flow.block_counts import masked_blocks
from neuromf.trace.reader import read_trace
from neuromf.training.batches.source import BatchSource
from neuromf.training.batches.stream import open_source
from neuromf.training.checkpoints.checkpoint import FILES, latest_checkpoint
from neuromf.training.held_out.draws import scan_batch
from neuromf.training.loop import Ending, train
from neuromf.training.process_group.ranks import ProcessGroup
from neuromf.training.records.run_folder import create_run, open_run
from tests.support.reference_training import configured, net_of, train_records
from tests.support.tiny_run import make_tiny_config
from tests.support.trained_run import trained_run

pytestmark = pytest.mark.law("BATCH-002")
CPU = torch.device("cpu")
MASK = ("meanflow.mask_share=0.4", "meanflow.mask_block=3", "meanflow.tangent=v_head")
"""Of 3 x 3 x 3 blocks of a latent of 8^3 cells, the outer ones cut, eleven are left out."""
LEARNED = ("grad_norm", "grad_zeros", "clip_frac", "update_rms", "param_rms", "ema_gap")


def latents(count=6):
    return torch.randn((count, 4, 8, 8, 8), generator=torch.Generator().manual_seed(0))


def source(*overrides):
    return BatchSource(latents(), make_tiny_config(*overrides), CPU)


def trained(folder, config, given, **options):
    """Train in a folder, new or to be resumed."""
    run = open_run(folder, config)[0] if options.get("resume") else create_run(folder, config, "")
    return run, train(config, given, run, device=CPU, **options)


def test_a_mask_is_a_function_of_seed_step_and_sample():
    """However a step is cut; another seed, step or sample has another mask."""
    here = source(*MASK)
    whole = here.draw(2, 0, 5).mask
    assert whole.shape == (5, 1, 8, 8, 8)
    assert torch.equal(whole, torch.cat([here.draw(2, 0, 2).mask, here.draw(2, 2, 3).mask]))
    others = [*whole, *here.draw(3, 0, 5).mask, *source(*MASK, "training.seed=1").draw(2, 0, 5).mask]
    assert len({tuple(mask.flatten().tolist()) for mask in others}) == 15


def test_each_sample_leaves_out_as_many_blocks_as_asked():
    """Eleven of 27, whole, with the weight 27/16 in all others."""
    mask = source(*MASK).draw(0, 0, 6).mask
    assert masked_blocks((8, 8, 8), 3, 0.4) == 11
    assert ((mask[:, 0, ::3, ::3, ::3] == 0).flatten(1).sum(1) == 11).all()
    assert mask.unique().tolist() == [0.0, 27 / 16]


def test_all_other_draws_are_those_of_a_run_without_a_mask():
    """Data, noise and times, so that two runs with and without one meet the same samples."""
    masked, plain = source(*MASK).draw(2, 1, 4), source(MASK[2]).draw(2, 1, 4)
    assert plain.mask is None
    for name in ("x", "e", "r_B", "t_B", "mf_rows"):
        assert torch.equal(getattr(masked, name), getattr(plain, name))
    assert masked.digest == plain.digest


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_draw_the_same_masks(workers):
    """As the trainer itself does."""
    here = source(*MASK)
    keys = [(step, start, size) for step in range(2) for start, size in here.micro_batches()]
    with open_source(here, first=0, group=ProcessGroup(), workers=workers) as ahead:
        assert all(torch.equal(ahead.draw(*key).mask, here.draw(*key).mask) for key in keys)


def test_a_validation_masks_nothing():
    """Its losses are of all cells, so that runs with and without a mask compare."""
    config = make_tiny_config(*MASK, "training.validate_every_epochs=1")
    assert scan_batch(config, latents()[0], 0, CPU).mask is None


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_masked_step_does_not_depend_on_its_cut(size):
    """Twelve samples in micro-batches of four, or of others, give the same steps up to rounding, in float64."""
    options = {"meanflow.mask_share": 0.5, "meanflow.loss_terms": "dual", "training.gradient_accumulation_steps": 3}
    cut = options | {"training.batch_size_per_gpu": size, "training.gradient_accumulation_steps": 12 // size}
    cut |= {"training.micro_batches_per_epoch": 10 * 4 // size}
    whole, parts = (
        train_records(config, net_of(config), ProcessGroup(), steps=3) for config in map(configured, (options, cut))
    )
    for one, other in zip(whole, parts, strict=True):
        for name in ("weighted", "objective", "w_mean", "raw_total", "grad_norm", "update_rms", "param_rms"):
            assert other.row[name] == pytest.approx(one.row[name], rel=1e-12), name
    plain = configured(options | {"meanflow.mask_share": 0.0})
    unmasked = train_records(plain, net_of(plain), ProcessGroup(), steps=1)
    assert unmasked[0].row["raw_total"] == whole[0].row["raw_total"]
    assert unmasked[0].row["weighted"] != whole[0].row["weighted"]


@pytest.mark.law("CKPT-001")
def test_a_masked_run_stopped_and_resumed_equals_an_undisturbed_one(tmp_path, real_latents):
    """Weights, averages, optimiser and trace are the same bytes: nothing of a mask has to be saved."""
    config = make_tiny_config(*MASK)
    whole, ending = trained(tmp_path / "whole", config, real_latents)
    trained(tmp_path / "parts", config, real_latents, max_steps=3)
    parts, _ = trained(tmp_path / "parts", config, real_latents, resume=True)
    assert ending.ending is Ending.FINISHED
    for name in FILES:
        assert (latest_checkpoint(whole.root).path / name).read_bytes() == (
            latest_checkpoint(parts.root).path / name
        ).read_bytes()
    assert whole.trace.read_bytes() == parts.trace.read_bytes()


def test_a_masked_run_is_recorded_with_the_raw_loss_of_all_cells(tmp_path, real_latents):
    """In its first step every column but those of what is trained is that of the same run without a mask."""
    rows = []
    for name, overrides in (("masked", MASK), ("plain", MASK[2:])):
        run, _ = trained(tmp_path / name, make_tiny_config(*overrides), real_latents, max_steps=1)
        rows.append(read_trace(run.trace).iloc[0].to_dict())
    masked, plain = rows
    differing = {name for name, value in plain.items() if not pd.isna(value) and masked[name] != value}
    assert {"weighted", "objective", "w_mean", "grad_norm"} <= differing
    assert differing <= {"weighted", "objective", "w_mean", "w_sat", *LEARNED}


def test_a_masked_run_is_exported_and_another_starts_from_it(tmp_path):
    """A mask is of the loss alone: neither weights nor what is exported know of it."""
    with pytest.MonkeyPatch.context() as patch:
        run = trained_run(tmp_path, patch, make_tiny_config(*MASK))
        made = export_run(run, to="safetensors", out=tmp_path / "weights.safetensors")
        export_run(run, to="torch-export", out=tmp_path / "programs")
        assert made.path.is_file()
        assert (tmp_path / "programs").is_dir()
    config = make_tiny_config(f'training.init_from="{run}"', "meanflow.tangent=v_head")
    _, ending = trained(tmp_path / "next", config, latents(), max_steps=1)
    assert ending.ending is not Ending.HALTED

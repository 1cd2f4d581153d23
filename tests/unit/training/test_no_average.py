"""A run whose ema.decay is null keeps no average: its weights are sampled, kept and gone on from, and it says so."""

import pytest
import torch
from safetensors.torch import load_file

from neuromf.config import config_hash
from neuromf.diagnosis.symptoms.update import update_signs
from neuromf.errors import InputError
from neuromf.monitor.checks.trace_summary import summarise
from neuromf.nets.unet import build_unet
from neuromf.report.run_charts import detail_pictures
from neuromf.report.run_facts import read_runs
from neuromf.report.sample_slices import sample_strip
from neuromf.trace.reader import read_rows
from neuromf.training.checkpoints.checkpoint import AVERAGE, FILES, MOMENTS, WEIGHTS, latest_checkpoint, read_checkpoint
from neuromf.training.checkpoints.restore import load_weights, restore
from neuromf.training.checkpoints.sampling_net import sampling_net
from neuromf.training.loop import train
from neuromf.training.records.previews import draw_latents
from neuromf.training.records.run_folder import create_run
from neuromf.training.step.state import initial_state
from tests.support.reported_run import write_run
from tests.support.tiny_run import make_tiny_config

CPU = torch.device("cpu")
NONE = "ema.decay=null"


def trained(root, config, latents, **more):
    run = create_run(root, config, "")
    train(config, latents, run, device=CPU, **more)
    return run


@pytest.fixture(scope="module")
def config():
    return make_tiny_config(NONE)


@pytest.fixture(scope="module")
def run(tmp_path_factory, config, real_latents):
    """A whole run of six steps."""
    return trained(tmp_path_factory.mktemp("none") / "run", config, real_latents)


def test_a_checkpoint_holds_weights_and_moments_and_says_so(run):
    """No file of an average is there, and the checkpoint's own description names the two that are."""
    checkpoint = latest_checkpoint(run.root)
    assert sorted(path.name for path in checkpoint.path.iterdir()) == sorted([WEIGHTS, MOMENTS, "state.json"])
    assert set(checkpoint.state["sha256"]) == {WEIGHTS, MOMENTS} == set(FILES) - {AVERAGE}


def test_the_weights_are_those_of_a_run_with_an_average(run, tmp_path, real_latents):
    """Without an average nothing changes but what is kept of it: trace and weights are the same bits."""
    other = trained(tmp_path / "run", make_tiny_config("ema.decay=0.5"), real_latents)
    here, there = (load_file(latest_checkpoint(each.root).path / WEIGHTS) for each in (run, other))
    assert all(torch.equal(here[name], there[name]) for name in there)
    for one, two in zip(read_rows(run.trace), read_rows(other.trace), strict=True):
        assert {**one, "ema_gap": 0.0} == {**two, "ema_gap": 0.0}
    assert {row["ema_gap"] for row in read_rows(run.trace)} == {0.0}


def test_a_preview_is_drawn_with_the_weights(run, config, real_latents):
    """The sample beside the last checkpoint is the one that its weights draw."""
    checkpoint = latest_checkpoint(run.root)
    net = build_unet(config.unet, v_head=False, seed=9)
    load_weights(checkpoint.path, net)
    shape = tuple(real_latents.shape[1:])
    expected = draw_latents(net, config, shape, steps=1, count=1, seed=0, device=CPU)
    found = load_file(run.previews / f"step_{checkpoint.step:08d}.safetensors")["latents"]
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)  # threads may add up in another order


def test_a_resumed_run_goes_on_bit_for_bit(run, config, tmp_path, real_latents):
    """Paused after two steps and resumed, it leaves the trace and the weights of the undisturbed run."""
    again = trained(tmp_path / "run", config, real_latents, max_steps=2)
    train(config, real_latents, again, device=CPU, resume=True)
    assert again.trace.read_bytes() == run.trace.read_bytes()
    names = [latest_checkpoint(each.root).path / WEIGHTS for each in (again, run)]
    assert names[0].read_bytes() == names[1].read_bytes()


def test_no_law_of_an_average_is_told_of(run):
    """Neither a step nor the diagnosis of the trace finds fault with an average that is not there."""
    assert "EMA-001" not in run.events.read_text()
    rows = read_rows(run.trace)
    assert "average_off" not in dict(update_signs(make_tiny_config(NONE), summarise(rows), long_enough=False))
    assert "average_off" in dict(update_signs(make_tiny_config(), summarise(rows), long_enough=False))


def test_a_checkpoint_without_an_average_is_of_another_configuration(run):
    """The configurations differ, which is told first."""
    state = initial_state(kept := make_tiny_config(), (1.0,) * 4, CPU)
    with pytest.raises(InputError, match="another configuration"):
        restore(state, latest_checkpoint(run.root), config_hash(kept))


def test_a_network_is_sampled_without_its_dropout(run, config):
    """As it is evaluated and exported: a network of one's own may have some."""
    assert not sampling_net(latest_checkpoint(run.root), config).training


@pytest.mark.law("CKPT-001")
def test_an_average_that_is_missing_from_a_run_that_keeps_one_is_damage(tmp_path, real_latents):
    """Only a checkpoint that never had the file is whole without it."""
    kept = trained(tmp_path / "run", make_tiny_config(), real_latents, max_steps=2)
    path = latest_checkpoint(kept.root).path
    (path / AVERAGE).unlink()
    with pytest.raises(InputError, match="not whole"):
        read_checkpoint(path)


def test_a_report_says_that_the_weights_were_drawn_with(tmp_path):
    """Beside the samples stands which weights drew them; a chart of the gap is for runs that have an average."""
    without, kept = read_runs([write_run(tmp_path / "without", NONE), write_run(tmp_path / "kept")])
    said = "Drawn with the weights themselves: the run keeps no average."
    assert [said in sample_strip(each, decoded=False).note for each in (without, kept)] == [True, False]
    titles = [[picture.title for picture in detail_pictures(runs)] for runs in ([without], [without, kept])]
    assert ["EMA gap" in found for found in titles] == [False, True]

"""The samples a training leaves on its way, where it is killed beside one of them."""

import pytest
import torch
from safetensors.torch import load_file

from neuromf.monitor.events import read_events
from neuromf.training.loop import train
from neuromf.training.records.run_folder import create_run
from neuromf.training.run_writer import RunWriter
from tests.support.tiny_run import make_tiny_config

CPU = torch.device("cpu")
KILLS = pytest.mark.parametrize(("method", "after"), [("sample", False), ("save", False), ("save", True)])
"""Before the preview, between preview and checkpoint, after the checkpoint."""


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the program catches it."""


def train_killed(run, config, latents, method, step, *, after):
    """Train until the journal's `method` of a step begins, or has ended; then go on to the end."""
    original = getattr(RunWriter, method)

    def killed(journal, state, *rest, **how):
        if after:
            original(journal, state, *rest, **how)
        if state.step == step:
            raise Killed
        if not after:
            original(journal, state, *rest, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunWriter, method, killed)
        with pytest.raises(Killed):
            train(config, latents, run, device=CPU)
    train(config, latents, run, device=CPU, resume=True)


def previews(run):
    """Every preview of a run by file name."""
    return {path.name: load_file(path)["latents"] for path in run.previews.iterdir()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, real_latents):
    """The previews of a run that nobody killed."""
    run = create_run(tmp_path_factory.mktemp("whole") / "run", config := make_tiny_config(), "")
    train(config, real_latents, run, device=CPU)
    return previews(run)


@pytest.mark.parametrize("step", [2, 6])
@KILLS
def test_a_kill_costs_no_preview(tmp_path, tiny_config, real_latents, whole, method, after, step):
    """Killed before, between and after preview and checkpoint, the resumed run has every preview of a whole one."""
    run = create_run(tmp_path / "run", tiny_config, "")
    train_killed(run, tiny_config, real_latents, method, step, after=after)

    found = previews(run)
    assert set(found) == set(whole) == {f"step_{step:08d}.safetensors" for step in (2, 4, 6)}
    assert all(torch.equal(found[name], whole[name]) for name in whole)


@KILLS
def test_a_kill_tells_a_preview_that_touched_the_weights_once(
    tmp_path, tiny_config, real_latents, monkeypatch, method, after
):
    """EMA-003 is told of each preview once, at the step just made, whatever checkpoint the run goes on from."""

    def copied(state):
        state.ema.copy_to(state.model)
        return state.model

    monkeypatch.setattr("neuromf.training.records.previews.averaged_net", copied)
    run = create_run(tmp_path / "run", tiny_config, "")
    train_killed(run, tiny_config, real_latents, method, 4, after=after)

    assert [event.step for event in read_events(run.events) if event.law == "EMA-003"] == [1, 3, 5]


def test_a_preview_that_is_cut_short_never_gets_its_name(tmp_path, tiny_config, real_latents):
    """Killed in the middle of writing one: the folder holds no half of it."""

    def cut_short(_tensors, path):
        path.write_bytes(b"ha")
        raise Killed

    run = create_run(tmp_path / "run", tiny_config, "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neuromf.training.records.previews.save_file", cut_short)
        with pytest.raises(Killed):
            train(tiny_config, real_latents, run, device=CPU)
    assert not list(run.previews.glob("step_*"))

"""A training that starts from the weights of another run."""

import json
from dataclasses import replace

import pytest
import torch

from neuromf.errors import InputError
from neuromf.monitor.events import read_events
from neuromf.training import initial_weights
from neuromf.training.checkpoints.restore import load_average, load_weights
from neuromf.training.initial_weights import check_start, find_start, other_meaning, start_from, tensor_hash
from neuromf.training.loop import train
from neuromf.training.records.run_folder import create_run
from neuromf.training.step.state import initial_state
from tests.support.tiny_run import make_tiny_config

CPU = torch.device("cpu")
ONES = (1.0,) * 4


@pytest.fixture(scope="module")
def former(tmp_path_factory, real_latents):
    """A run of four steps with a checkpoint after each second."""
    config = make_tiny_config("training.keep_last_checkpoints=9")
    run = create_run(tmp_path_factory.mktemp("former") / "run", config, "")
    train(config, real_latents, run, device=CPU, max_steps=4)
    return run


def starting(former, *overrides, at=""):
    """A configuration that starts from that run."""
    return make_tiny_config(f'training.init_from="{former.root}{at}"', *overrides)


def begun(former, tmp_path, *overrides, at=""):
    """The state of a new run before its first step, and its folder."""
    config = starting(former, *overrides, at=at)
    run = create_run(tmp_path / "new", config, "")
    state = initial_state(config, ONES, CPU)
    events = start_from(state, run, config)
    return state, run, events


@pytest.mark.law("CKPT-002")
@pytest.mark.parametrize(
    ("at", "overrides", "step", "load"),
    [
        ("", (), 4, load_average),
        ("@2", (), 2, load_average),
        ("@2", ("training.init_weights=weights",), 2, load_weights),
    ],
)
def test_weights_and_average_start_from_the_other_runs(former, tmp_path, at, overrides, step, load):
    """The averaged ones of its newest checkpoint unless told otherwise; step 0, and an optimiser without history."""
    state, run, events = begun(former, tmp_path, *overrides, at=at)
    expected = initial_state(make_tiny_config(), ONES, CPU).model
    load(former.root / "checkpoints" / f"step_{step:08d}", expected)
    for name, value in expected.state_dict().items():
        assert torch.equal(state.model.state_dict()[name], value)
        assert torch.equal(state.ema.shadow[name], value)
    assert (state.step, len(state.optimiser.state)) == (0, 0)
    known = json.loads(run.start.read_text())
    assert known == {
        "run": str(former.root),
        "step": step,
        "weights": "weights" if overrides else "average",
        "sha256": tensor_hash(expected.state_dict()),
    }
    assert [event.law for event in events] == ["CKPT-002"]
    assert f"at step {step}, sha256 {known['sha256'][:12]}" in events[0].message


def test_a_resume_goes_on_from_its_own_checkpoint(former, tmp_path, real_latents):
    """In the same bytes as a run left alone, and it says where it started from."""
    config = starting(former)
    for name, cuts in (("whole", (4,)), ("parts", (3, 4))):
        run = create_run(tmp_path / name, config, "")
        for index, last in enumerate(cuts):
            train(config, real_latents, run, device=CPU, max_steps=last, resume=index > 0)
        assert any("starts from the averaged weights" in event.message for event in read_events(run.events))
    traces = [(tmp_path / name / "trace.csv").read_bytes() for name in ("whole", "parts")]
    assert traces[0] == traces[1] != former.trace.read_bytes()


@pytest.mark.law("CKPT-002")
def test_a_run_killed_before_its_first_checkpoint_starts_from_the_same(former, tmp_path, real_latents):
    """From what it recorded, though the other run has newer checkpoints by then; its events say so again."""
    config = starting(former)
    run = create_run(tmp_path / "run", config, "")
    recorded = replace(find_start(starting(former, at="@2")))
    run.start.write_text(json.dumps(vars(recorded)))
    train(config, real_latents, run, device=CPU, resume=True, max_steps=1)
    assert json.loads(run.start.read_text())["step"] == 2
    assert any("at step 2" in event.message for event in read_events(run.events))


@pytest.mark.law("CKPT-002")
def test_weights_that_changed_since_are_refused(former, tmp_path):
    """A record whose hash is not that of the file, and one that cannot be read."""
    config = starting(former)
    run, state = create_run(tmp_path / "run", config, ""), initial_state(config, ONES, CPU)
    run.start.write_text(json.dumps(vars(replace(find_start(config), sha256="0" * 64))))
    with pytest.raises(InputError, match="other weights than those that were recorded"):
        start_from(state, run, config)
    run.start.write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        start_from(state, run, config)


def test_a_tensor_that_is_loaded_otherwise_breaks_the_law(former, tmp_path, monkeypatch):
    """CKPT-002 names it and counts it."""
    original = torch.nn.Module.load_state_dict

    def rounded(self, tensors, *given, **more):
        (name, value), *_ = tensors.items()
        return original(self, {**tensors, name: value.bfloat16().float()}, *given, **more)

    monkeypatch.setattr(torch.nn.Module, "load_state_dict", rounded)
    with pytest.raises(InputError, match=r"law CKPT-002.: backbone\.conv_in\.conv\.bias.*1 tensors differ"):
        begun(former, tmp_path)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (
            ["unet.channels=[16,16]"],
            r"of another shape, first backbone.conv_in.conv.weight \(8, 4, 3, 3, 3\) instead of",
        ),
        (["meanflow.tangent=v_head"], "4 missing there, first velocity_head"),
        (["unet.conditioning=gap"], "4 foreign, first embed_time"),
    ],
)
def test_another_network_is_told_by_name_and_count(former, overrides, words):
    """Before anything is encoded."""
    with pytest.raises(InputError, match=words) as caught:
        check_start(starting(former, *overrides))
    assert caught.value.key == "training.init_from"


def test_a_start_that_is_not_there_is_told(former, tmp_path, real_latents):
    """No run, no such checkpoint, no average, or a run that the guard halted there."""
    for at, words in (("-gone", "holds no run"), ("@3", "has no checkpoint of step 3; name one of 2, 4")):
        with pytest.raises(InputError, match=words):
            check_start(starting(former, at=at))
    config = make_tiny_config("ema.decay=null")
    bare = create_run(tmp_path / "bare", config, "")
    with pytest.raises(InputError, match="holds no whole checkpoint"):
        check_start(starting(bare))
    train(config, real_latents, bare, device=CPU, max_steps=2)
    with pytest.raises(InputError, match="keeps no averaged weights"):
        check_start(starting(bare))
    check_start(starting(bare, "training.init_weights=weights"))
    check_start(make_tiny_config())


def test_a_halted_run_is_no_start(former, monkeypatch):
    """Its last weights are those that diverged; an earlier step may be named."""
    read = initial_weights.latest_checkpoint

    def halted(root):
        found = read(root)
        return replace(found, state={**found.state, "halted": "raw loss"})

    monkeypatch.setattr(initial_weights, "latest_checkpoint", halted)
    with pytest.raises(InputError, match="the guard halted that run at step 4") as caught:
        check_start(starting(former))
    assert "RUN@STEP" in caught.value.remedy


def test_settings_that_change_what_a_weight_means_are_told(former):
    """A network that put out u and shall put out x, another scale of the times, and other covariates."""
    told = 'covariates.columns=["age=20..90"]'
    config = starting(former, "meanflow.prediction=u", "unet.time_scale=3.0", told)
    said = other_meaning(find_start(config), config)
    assert [text.split()[0] for text in said] == ["covariates.columns", "meanflow.prediction", "unet.time_scale"]
    assert other_meaning(find_start(starting(former)), starting(former)) == []

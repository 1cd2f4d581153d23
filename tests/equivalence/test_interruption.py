"""Runs that are stopped or killed against runs left alone: the same bytes (law CKPT-001)."""

import signal
import time

import pytest
from neuromf_spec.registry import law
from safetensors.torch import save_file

from neuromf.training.checkpoints.checkpoint import FILES, latest_checkpoint
from neuromf.training.loop import train
from neuromf.training.records.run_folder import create_run, open_run
from tests.support.fork_server import forks
from tests.support.killed_trainer import LONGER, train_or_resume
from tests.support.tiny_run import make_tiny_config

pytestmark = pytest.mark.law("CKPT-001")


def train_in(folder, config, latents, **options):
    """Train in a folder, new or to be resumed."""
    import torch

    run = open_run(folder, config)[0] if options.get("resume") else create_run(folder, config, "")
    train(config, latents, run, device=torch.device("cpu"), **options)


def artefacts(folder):
    """Everything a run recorded that must not depend on interruptions."""
    weights = {name: (latest_checkpoint(folder).path / name).read_bytes() for name in FILES}
    return weights | {name: (folder / name).read_bytes() for name in ("trace.csv", "training_summary.json")}


def differing(first, second):
    one, other = artefacts(first), artefacts(second)
    return [name for name in one if one[name] != other[name]]


@pytest.mark.parametrize("accumulation", [1, 2])
def test_half_and_half_is_a_whole(tmp_path, real_latents, accumulation):
    """K steps, a resume and k more steps end in the bytes of 2k steps."""
    config = make_tiny_config(f"training.gradient_accumulation_steps={accumulation}", "training.epochs=1")
    train_in(tmp_path / "whole", config, real_latents)
    train_in(tmp_path / "parts", config, real_latents, max_steps=2)
    train_in(tmp_path / "parts", config, real_latents, resume=True)
    judged = law("CKPT-001").predicate(differing=differing(tmp_path / "whole", tmp_path / "parts"))
    assert judged.passed, judged


def test_another_seed_is_seen(tmp_path, real_latents):
    """The comparison can fail: a run with another seed differs in weights and trace."""
    for seed in (0, 1):
        config = make_tiny_config(f"training.seed={seed}", "training.epochs=1")
        train_in(tmp_path / str(seed), config, real_latents)
    found = differing(tmp_path / "0", tmp_path / "1")
    assert not law("CKPT-001").predicate(differing=found).passed
    assert {"model.safetensors", "trace.csv"} <= set(found)


def start(run, latents):
    process = forks().Process(target=train_or_resume, args=(run, latents))
    process.start()
    return process


def rows_written(trace):
    return trace.read_text().count("\n") - 1 if trace.exists() else 0


def test_a_killed_run_goes_on_where_it_was(tmp_path, real_latents):
    """A trainer killed by SIGKILL between two steps, then resumed, ends in the undisturbed run's bytes."""
    save_file({"latents": real_latents}, tmp_path / "latents.safetensors")
    train_in(tmp_path / "whole", make_tiny_config(*LONGER), real_latents)
    process, deadline = start(tmp_path / "run", tmp_path / "latents.safetensors"), time.monotonic() + 60
    while rows_written(tmp_path / "run" / "trace.csv") < 3 and time.monotonic() < deadline:
        time.sleep(0.005)
    assert process.is_alive(), "the run ended before it could be killed"
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL

    process = start(tmp_path / "run", tmp_path / "latents.safetensors")
    process.join(timeout=120)
    assert process.exitcode == 0
    judged = law("CKPT-001").predicate(differing=differing(tmp_path / "whole", tmp_path / "run"))
    assert judged.passed, judged

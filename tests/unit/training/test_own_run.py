"""A user's own network and autoencoder through the commands: trained, resumed, sampled, told of when they change."""

import json
from pathlib import Path

import nibabel
import pytest

from neuromf.config import config_hash
from neuromf.data.cache import cache_directory
from neuromf.data.latents import open_latents
from neuromf.monitor.events import read_events
from neuromf.trace.reader import read_trace
from neuromf.training.checkpoints.checkpoint import latest_checkpoint
from neuromf.training.records.run_folder import RunFolder, create_run
from tests.support.bad_scans import write_good
from tests.support.command_line import run_command
from tests.support.encoded_cohort import encoded_here
from tests.support.own_package.written import SOURCE, users_code
from tests.support.tiny_run import TINY, allow_blocked

__all__ = ["users_code"]
OWN_VAE = (
    "vae.checkpoint=factory", "vae.factory=tests.support.own_package.vaes:build", "vae.latent_channels=6",
    "vae.stride=8", "meanflow.channel_weights=[1.0,2.0,1.0,1.0,1.0,1.0]",
)  # fmt: skip
SCALE = (
    *(override for override in TINY if not override.startswith("unet")), "training.checkpoint_every_steps=1",
    "training.gpus=1", "vae.checkpoint=demo",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path_factory.getbasetemp() / "own-cache"))


@pytest.fixture
def neuromf(monkeypatch, capsys):
    """The command line in this process."""
    return lambda *arguments: run_command(monkeypatch, capsys, *arguments)


def configuration(tmp_path, users_code, callable_name="build"):
    """A file that names a network of the user's own, beside the folder they work in."""
    path = tmp_path / "own.yaml"
    path.write_text(f'unet: {{factory: "{users_code(SOURCE)}:{callable_name}", factory_options: {{width: 4}}}}\n')
    return ["recommended", path]


def files_of(run):
    """What two runs must have in common, byte for byte."""
    checkpoint = latest_checkpoint(run).path
    return [run.joinpath("trace.csv").read_bytes(), *(p.read_bytes() for p in sorted(checkpoint.glob("*.safetensors")))]


def test_a_users_package_trains_resumes_bitwise_and_samples(tmp_path, users_code, neuromf):
    """Three steps in two parts are those of one, with six channels at stride 8 and columns for each of them."""
    config, allowed = configuration(tmp_path, users_code), allow_blocked(*SCALE, *OWN_VAE)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert neuromf("train", *config, "--out", whole, "--max-steps", 3, *allowed).returncode == 0
    assert neuromf("train", *config, "--out", parts, "--max-steps", 1, *allowed).returncode == 0
    users_code(SOURCE)  # a process of its own would import it anew
    assert neuromf("train", *config, "--out", parts, "--max-steps", 3, "--resume", *allowed).returncode == 0
    assert files_of(whole) == files_of(parts)
    columns = [name for name in read_trace(whole / "trace.csv") if name.startswith("raw_ch")]
    assert columns == [f"raw_ch{channel}" for channel in range(6)]
    assert len(json.loads((whole / "run.json").read_text())["network_sha256"]) == 64
    assert neuromf("sample", parts, "--n", 1).returncode == 0
    assert len(list((parts / "samples").glob("*.nii.gz"))) == 1
    assert neuromf("report", parts, "--out", tmp_path / "page.html").returncode == 0
    assert neuromf("compare", parts, whole).returncode == 0


def test_an_own_autoencoder_encodes_a_folder_and_decodes_its_samples(tmp_path, neuromf):
    """`encode` makes its latents, `train` makes none anew, and what `sample` gives comes from its decoder."""
    write_good(tmp_path / "scans", 4)
    own = (*TINY, *OWN_VAE, "data.source=folder", f"data.root={tmp_path / 'scans'}", "data.spacing_mm=8.0")
    settings = [part for override in own for part in ("--set", override)]
    ended = neuromf("encode", "smoke", "--device", "cpu", *settings)
    assert ended.returncode == 0, ended.stderr
    store = open_latents(Path(ended.stdout.split("4 latents in ")[1].strip()))
    assert store.latent_shape == (6, 4, 4, 4)
    done = encoded_here(cache_directory())
    run = tmp_path / "run"
    ended = neuromf("train", "smoke", "--out", run, "--max-steps", 1, "--device", "cpu", *allow_blocked(*own))
    assert ended.returncode == 0, ended.stderr
    assert encoded_here(cache_directory()) == done
    assert neuromf("sample", run, "--n", 1).returncode == 0
    (sample,) = (run / "samples").glob("*.nii.gz")
    assert nibabel.load(sample).shape == (32, 32, 32), "four cells of eight voxels along each axis"


def test_a_resume_with_other_code_is_told(tmp_path, users_code, neuromf):
    """As a warning on the console and among the events; a comment alone says nothing."""
    config, allowed = configuration(tmp_path, users_code), allow_blocked(*SCALE)
    run = tmp_path / "run"
    assert neuromf("train", *config, "--out", run, "--max-steps", 1, *allowed).returncode == 0
    for text, told in ((SOURCE + "# a remark\n", False), (SOURCE + "MORE = 1\n", True)):
        users_code(text)
        step = 3 if told else 2
        ended = neuromf("train", *config, "--out", run, "--max-steps", step, "--resume", *allowed)
        assert ("has changed since the run began" in ended.stdout) is told
        assert any("has changed since" in event.message for event in read_events(run / "events.jsonl")) is told


def test_a_resume_with_another_shape_is_refused(tmp_path, users_code, neuromf):
    """Weights of other shapes are another network's, exit code 2."""
    config, allowed = configuration(tmp_path, users_code), allow_blocked(*SCALE)
    run = tmp_path / "run"
    assert neuromf("train", *config, "--out", run, "--max-steps", 1, *allowed).returncode == 0
    users_code(SOURCE.replace("nn.Linear(2, width), nn.SiLU(), nn.Linear(width, width)",
                              "nn.Linear(2, 3), nn.SiLU(), nn.Linear(3, width)"))  # fmt: skip
    ended = neuromf("train", *config, "--out", run, "--resume", *allowed)
    assert (ended.returncode, "holds another model's tensors" in ended.stderr) == (2, True)


@pytest.mark.parametrize("name", ["batch_norm", "half_size", "raises"])
def test_what_cannot_be_trained_leaves_no_folder(tmp_path, users_code, neuromf, name):
    """One sentence and exit code 2, before anything is encoded or written."""
    path = tmp_path / "own.yaml"
    path.write_text(f'unet: {{factory: "{users_code(SOURCE)}:{name}"}}\n')
    ended = neuromf("train", "recommended", path, "--out", tmp_path / "run", *allow_blocked(*SCALE))
    assert ended.returncode == 2
    assert ended.stderr.count("\n") <= 2
    assert "unet.factory" in ended.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.law("CKPT-001")
def test_frozen_parts_and_buffers_are_saved_and_come_back(tmp_path, users_code, neuromf):
    """A network with both ends a resume as one left alone, and its average is sampled with the buffers."""
    path = tmp_path / "own.yaml"
    path.write_text(f'unet: {{factory: "{users_code(SOURCE)}:frozen_part"}}\n')
    config, allowed = ["recommended", path], allow_blocked(*SCALE)
    run, whole = tmp_path / "run", tmp_path / "whole"
    assert neuromf("train", *config, "--out", whole, "--max-steps", 2, *allowed).returncode == 0
    assert neuromf("train", *config, "--out", run, "--max-steps", 1, *allowed).returncode == 0
    assert neuromf("train", *config, "--out", run, "--max-steps", 2, "--resume", *allowed).returncode == 0
    assert files_of(run) == files_of(whole)
    assert neuromf("sample", run, "--n", 1).returncode == 0


def test_the_gate_says_what_it_cannot_know_on_paper(tmp_path, users_code, neuromf):
    """The static gate imports nothing of the user's; the laws that it leaves out are named."""
    path = tmp_path / "own.yaml"
    users_code("raise RuntimeError\n")
    path.write_text('unet: {factory: "users_own_nets:build"}\n')
    ended = neuromf("gate", "recommended", path, "--static")
    assert ended.returncode == 0
    assert (
        "not judged on paper: JVP-005, PREC-002, for what users_own_nets:build builds is not known there"
        in ended.stdout
    )


def test_a_run_without_own_code_records_none(tmp_path, tiny_config):
    """Its `run.json` is what it was."""
    run = create_run(tmp_path / config_hash(tiny_config)[:4], tiny_config, "")
    assert not [key for key in json.loads(RunFolder(run.root).environment.read_text()) if key.startswith("network")]

"""Weights as safetensors: which they are, and what their header tells."""

import json

import pytest
import torch
from safetensors import safe_open

from neuromf.config import load_config
from neuromf.config.resolve import config_hash
from neuromf.data.tensor_file import load_tensors
from neuromf.errors import InputError
from neuromf.evaluation.kept import FOLDER
from neuromf.export.export import export_run
from neuromf.export.licence import UNNAMED, read_licence
from neuromf.export.provenance import NO_EVALUATION, provenance
from neuromf.export.public_config import LEFT_OUT, public_config
from neuromf.export.subject import open_export
from tests.support.exported import GATE, STEP, SWD
from tests.support.tiny_run import make_tiny_config


@pytest.fixture(scope="module")
def weights(exported_run, tmp_path_factory):
    """The file."""
    path = tmp_path_factory.mktemp("weights") / "heads.safetensors"
    return export_run(exported_run, to="safetensors", out=path, licence="CC-BY-NC-4.0").path


@pytest.fixture(scope="module")
def told(weights):
    """The header, each JSON read back."""
    with safe_open(weights, "pt") as file:
        metadata = file.metadata()
    return {key: read_back(value) for key, value in metadata.items()}


def read_back(value):
    """What a text of the header says: JSON, or the text itself."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def test_averaged_weights_are_exported(exported_run, weights):
    """Those that samples are drawn with, not those of the last step."""
    folder = exported_run / "checkpoints" / f"step_{STEP:08d}"
    found = load_tensors(weights)
    average, last = load_tensors(folder / "ema.safetensors"), load_tensors(folder / "model.safetensors")
    assert found.keys() == average.keys()
    assert all(torch.equal(found[name], average[name]) for name in average)
    assert any(not torch.equal(found[name], last[name]) for name in average)


@pytest.mark.law("OBS-002")
def test_the_checkpoint_that_is_named_is_exported(exported_run, tmp_path):
    """An earlier step's, which the header says."""
    made = export_run(exported_run, to="safetensors", out=tmp_path / "w.safetensors", checkpoint="4")
    average = load_tensors(exported_run / "checkpoints" / "step_00000004" / "ema.safetensors")
    assert all(torch.equal(tensor, average[name]) for name, tensor in load_tensors(made.path).items())
    assert made.weights == "averaged weights of optimiser step 4"


def test_the_header_tells_the_conventions(told, subject):
    """What a user needs to evaluate, step, and undo the statistics."""
    said, description = told["conventions"], subject.store.description
    meanflow, unet = subject.config.meanflow, subject.config.unet
    assert (said["prediction"], said["t_min"]) == (meanflow.prediction, meanflow.t_min)
    assert (said["conditioning"], said["time_scale"]) == (unet.conditioning, unet.time_scale)
    assert (said["mean"], said["std"]) == tuple(map(list, (description.statistics.mean, description.statistics.std)))
    assert said["scale_factor"] == description.scale_factor
    assert "t = 1 is standard normal noise" in said["path"]


def test_the_header_tells_configuration_and_step(told, subject):
    """With the hash by which the run's checkpoints are told."""
    assert (told["step"], told["config_hash"]) == (STEP, config_hash(subject.config))
    assert told["config"] == json.loads(json.dumps(public_config(subject.config)))
    assert told["weights"] == f"averaged weights of optimiser step {STEP}"


@pytest.mark.law("OBS-002")
def test_the_header_tells_the_gates_verdict(told):
    """As the run recorded it, and what the laws say of its configuration today."""
    assert told["gate"]["when_it_began"] == GATE
    assert "EMA-002" in told["gate"]["now"]["warn"]
    assert told["gate"]["now"]["block"] == []


@pytest.mark.law("OBS-002")
def test_the_header_tells_the_newest_evaluation_of_the_step(told):
    """Numbers by the measure's key with the interval, and verdicts by the law's id."""
    (row, _), (verdict,) = told["evaluation"]["rows"], told["evaluation"]["verdicts"]
    assert row["measures"]["swd"] == {"value": SWD, "low": 0.125, "high": 0.25}
    assert (verdict["law_id"], verdict["judged"]) == ("EVAL-004", "holds")


def test_a_step_that_was_not_evaluated_is_said_not_to_be(exported_run):
    """No other step's numbers stand in."""
    assert provenance(open_export(exported_run, "4"), read_licence(None))["evaluation"] == NO_EVALUATION


@pytest.mark.law("OBS-002")
def test_a_damaged_evaluation_is_refused(exported_run, tmp_path, monkeypatch):
    """Naming its file; the export would else be silent on it."""
    path = exported_run / FOLDER / "step_00000004.json"
    path.write_text('{"schema": 1, "step": 6}')
    try:
        with pytest.raises(InputError, match=r"step_00000004\.json: step: says 6, not 4; run `neuromf evaluate`"):
            export_run(exported_run, to="safetensors", out=tmp_path / "w.safetensors", checkpoint="4")
    finally:
        path.unlink()
    assert not list(tmp_path.iterdir())


def test_paths_are_left_out_of_a_configuration():
    """Of scans, autoencoder, first weights, and in the options of own code; words stay."""
    config = load_config(["flow_matching"], [
        "data.source=folder", "data.root=/home/me/patients", "vae.checkpoint=vae.pt", "training.init_from=old/run@4",
        "unet={factory: my.nets:build, factory_options: {width: 8, weights: [/home/me/w.pt], act: silu}}",
    ])  # fmt: skip
    public = public_config(config)
    hidden = {key for key, value in public.items() if LEFT_OUT in (value if isinstance(value, list) else [value])}
    assert hidden == {"data.root", "vae.checkpoint", "training.init_from", "unet.factory_options.weights"}
    assert public["unet.factory_options.act"] == "silu"
    assert public_config(make_tiny_config())["vae.checkpoint"] == "demo"


def test_a_licence_is_a_name_or_the_text_of_a_file(tmp_path):
    """Where the user says neither, nobody is allowed anything."""
    (tmp_path / "terms.txt").write_text("Terms of us\n\nAsk first.\n")
    assert read_licence(str(tmp_path / "terms.txt")).text == "Terms of us\n\nAsk first."
    assert read_licence(str(tmp_path / "terms.txt")).name == "Terms of us"
    assert read_licence("CC-BY-4.0").name == "CC-BY-4.0"
    assert read_licence(None).name == UNNAMED

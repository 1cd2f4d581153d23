"""A bundle of MONAI: what is in it, and that MONAI makes of it the samples of the run."""

import json
import re

import nibabel
import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, verify_net_in_out
from safetensors import safe_open

from neuromf.errors import InputError
from neuromf.export.bundle import refuse_own_code
from neuromf.export.bundle_config import MANY, inference_config
from neuromf.nets.vae import load_vae
from neuromf.sampling.sampling import sample_run
from tests.support.exported import GATE, STEP, SWD
from tests.support.own_package.nets import SmallNet

MANDATORY = {
    "version", "changelog", "monai_version", "pytorch_version", "numpy_version", "required_packages_version", "task",
    "description", "authors", "copyright", "data_source", "network_data_format",
}  # fmt: skip
"""Keys of `metadata.json` by MONAI's specification, with the three that its model zoo wants besides."""
TENSOR = {"type", "format", "num_channels", "spatial_shape", "dtype", "value_range", "is_patch_data", "channel_def"}


def in_this_process(bundle):
    """The configuration of a bundle, its scripts taken from where they were copied from."""
    text = (bundle / "configs" / "inference.json").read_text()
    return json.loads(text.replace('"scripts.', '"neuromf.export.standalone.')) | {"bundle_root": str(bundle)}


def metadata(bundle):
    return json.loads((bundle / "configs" / "metadata.json").read_text())


@pytest.mark.parametrize("steps", [1, 3])
def test_a_bundle_draws_the_samples_of_neuromf(bundle, exported_run, tmp_path, steps):
    """Voxels and places of the same seed and number of steps, to rounding."""
    ours = sample_run(exported_run, steps=steps, count=2, seed=5, out=tmp_path / "ours", device=torch.device("cpu"))
    asked = {"count": 2, "steps": steps, "seed": 5, "output_dir": str(tmp_path / "theirs"), "device": "cpu"}
    theirs = ConfigParser(in_this_process(bundle) | asked).get_parsed_content("generation")
    assert len(theirs) == 2
    for path, file in zip(ours.volumes, theirs, strict=True):
        expected, found = nibabel.load(path), nibabel.load(file)
        np.testing.assert_allclose(found.get_fdata(), expected.get_fdata(), rtol=1e-5, atol=1e-5)
        assert np.array_equal(found.affine, expected.affine)
        codes = [(image.header["sform_code"], image.header["qform_code"]) for image in (found, expected)]
        assert codes[0] == codes[1]


def test_a_bundle_of_flow_matching_takes_many_steps(as_flow_matching):
    """One step goes along a tangent; at r = t the network is evaluated, whatever r is."""
    made = inference_config(as_flow_matching, load_vae("demo").architecture)
    assert (made["steps"], made["network_def"]["along_flow"]) == (MANY, True)


def test_the_metadata_has_what_monai_asks_for(bundle):
    """Each mandatory key, and each of a tensor's."""
    found = metadata(bundle)
    assert found.keys() >= MANDATORY
    format_of = found["network_data_format"]
    assert format_of["inputs"]["image"].keys() & format_of["outputs"]["pred"].keys() >= TENSOR
    assert all(re.fullmatch(r"[0-9]+(\.[0-9]+)+", found[f"{name}_version"]) for name in ("monai", "pytorch", "numpy"))
    assert found["copyright"] == "weights: CC-BY-NC-4.0; scripts: Apache-2.0"
    assert found["eval_metrics"] == {"swd/1": SWD}


def test_the_network_fits_the_metadata(bundle, tmp_path):
    """MONAI's own check: channels and type of what comes out of what goes in."""
    (tmp_path / "inference.json").write_text(json.dumps(in_this_process(bundle)))
    verify_net_in_out(
        "network", str(bundle / "configs" / "metadata.json"), str(tmp_path / "inference.json"), device="cpu"
    )
    assert metadata(bundle)["network_data_format"]["inputs"]["image"]["spatial_shape"] == [8, 8, 8]


def test_a_bundle_tells_its_provenance(bundle):
    """In a document, and in the header of its weights: gate, evaluation, licence, hashes of the data."""
    story = json.loads((bundle / "docs" / "provenance.json").read_text())
    assert (story["gate"]["when_it_began"], story["licence"], story["step"]) == (GATE, "CC-BY-NC-4.0", STEP)
    assert story["evaluation"]["rows"][0]["measures"]["swd"]["value"] == SWD
    assert {"latents_sha256", "autoencoder_sha256", "preprocessing"} <= story["data"].keys()
    with safe_open(bundle / "models" / "network.safetensors", "pt") as file:
        assert json.loads(file.metadata()["gate"]) == story["gate"]


def test_a_bundle_names_no_path_and_no_subject(bundle, subject):
    """Neither the run's folder, nor the cache, nor anybody whose scan was trained on."""
    store, text = subject.store, ""
    for path in bundle.rglob("*"):
        text += path.read_bytes().decode("utf-8", "replace") if path.is_file() else ""
    names = {str(subject.run.root), str(subject.run.root.parent), str(store.path)}
    names |= {str(name) for column in ("subject", "scan_id") for name in store.manifest[column]}
    assert [name for name in names if name in text] == []


def test_the_licences_of_a_bundle_are_three(bundle):
    """The weights' as the user says, the autoencoder's, the scripts'."""
    text = (bundle / "LICENSE").read_text()
    assert "CC-BY-NC-4.0" in text
    assert "demonstration autoencoder of neuromf, under the same license" in text
    assert "Apache License, Version 2.0" in text


def test_the_page_of_a_bundle_says_how_it_is_run_and_how_good_it_is(bundle):
    """The command, the verdict, the evaluation, and what the laws say."""
    page = (bundle / "docs" / "README.md").read_text()
    assert "python -m monai.bundle run --config_file configs/inference.json" in page
    assert GATE in page
    assert "64 samples against 9 held-out scans: EVAL-004 holds." in page
    assert "breaks: OPT-001, OPT-006, EMA-002." in page


def test_the_scripts_of_a_bundle_need_no_neuromf(bundle):
    """They import what its page installs, and one another by no name."""
    text = "".join(path.read_text() for path in (bundle / "scripts").glob("*.py"))
    imported = {name for found in re.findall(r"^(?:from|import) (\w+)", text, re.MULTILINE) for name in [found]}
    assert imported <= {"__future__", "collections", "itertools", "math", "pathlib", "typing",
                        "monai", "nibabel", "numpy", "safetensors", "torch"}  # fmt: skip


@pytest.mark.parametrize("key", ["unet", "vae"])
def test_a_bundle_refuses_code_of_ones_own(subject, key):
    """Naming the callable, and the export that needs no code."""
    section = getattr(subject.config, key).model_copy(update={"factory": f"my.code:{key}"})
    own = type(subject)(
        subject.run, subject.config.model_copy(update={key: section}), subject.latents, SmallNet(4), STEP, ""
    )
    with pytest.raises(InputError, match=rf"{key}\.factory: my\.code:{key} is code of your own.*--to torch-export"):
        refuse_own_code(own)

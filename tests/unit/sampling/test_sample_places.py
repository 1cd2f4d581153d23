"""Where a head's parts lie after each step from the scanner to a written sample."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import nibabel
import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import nn

from neuromf.config.schema import CovariatesConfig, VaeConfig
from neuromf.data.cohort import Scan
from neuromf.data.latents import encode_scans, open_latents
from neuromf.data.nifti import write_volume
from neuromf.data.preprocess import Preprocessing
from neuromf.data.store_settings import StoreSettings
from neuromf.errors import InputError
from neuromf.nets.tiling import WHOLE
from neuromf.nets.unet import MeanFlowUnet
from neuromf.sampling import sampling
from neuromf.sampling.sampling import decode_with, sample_run
from neuromf.training.checkpoints import sampling_net
from neuromf.training.checkpoints.named import named_checkpoint
from tests.support.phantom import LANDMARKS, Grid, phantom, place_of

pytestmark = pytest.mark.law("DATA-006")
GRID = Grid((2, 0, 1), (-1, 1, -1), (1.5, 3.0, 2.0), (64, 34, 52), (6.0, -5.0, 9.0), (14.0, -33.0, 51.0))
SETTINGS = Preprocessing(2.0, (48, 52, 56), (0.0, 100.0))


class BlockCodec:
    """An autoencoder whose latents are plain to see: the mean of each 4 x 4 x 4 block, its square, and two more."""

    architecture = SimpleNamespace(latent_channels=4)
    fingerprint, scale_factor, scale_known = "blocks", 1.0, True
    device, tiling = torch.device("cpu"), WHOLE

    def tiled(self, _):
        """The same: its blocks are alike in any parts."""
        return self

    def to(self, _):
        """The same: it has no weights."""
        return self

    def encode(self, volumes):
        """Four latents of each block."""
        mean = torch.nn.functional.avg_pool3d(volumes, 4)
        return torch.cat([mean, mean.square(), 1 - mean, mean + 2], dim=1)

    def decode(self, latents):
        """Each block as its mean."""
        return latents[:, :1].repeat_interleave(4, 2).repeat_interleave(4, 3).repeat_interleave(4, 4)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """The latents of one tilted head in a scanner with other axes, opened."""
    folder = tmp_path_factory.mktemp("places")
    volume = phantom(GRID, GRID.middle_mm)
    write_volume(folder / "head.nii.gz", volume.data, volume.affine)
    scans = [Scan("head", "head", folder / "head.nii.gz")]
    encode_scans(scans, folder / "latents", StoreSettings(SETTINGS, BlockCodec(), (1.0, 0.0, 0.0), 0))
    return open_latents(folder / "latents")


def scanned(name):
    """World place of a landmark in the scanner."""
    return np.add(LANDMARKS[name][0], GRID.middle_mm)


def affine_of(store):
    """What a latent's file says of the preprocessed grid."""
    with safe_open(store.path / "scans" / "head.safetensors", "pt") as file:
        return np.array(json.loads(file.metadata()["affine"]))


@pytest.mark.parametrize("name", LANDMARKS)
def test_a_latents_file_says_where_its_cells_are(store, name):
    """Cell i spans the voxels 4i to 4i + 3 of the grid that the file's affine places in the scanner's world."""
    cells = affine_of(store) @ np.array([[4, 0, 0, 1.5], [0, 4, 0, 1.5], [0, 0, 4, 1.5], [0, 0, 0, 1]])
    # A cell is 8 mm wide, so that the middle of a blob is found to half of one.
    assert place_of(name, store.raw("head")[0].numpy(), cells, scanned(name)) == pytest.approx(scanned(name), abs=4.0)


def test_stores_and_scans_grids_differ_by_a_rigid_motion(store):
    """The affine of a store has the scan's spacing and handedness, upright, with the middle at the origin."""
    whole, own = np.array(store.description.affine), affine_of(store)
    motion = whole @ np.linalg.inv(own)
    assert motion[:3, :3] @ motion[:3, :3].T == pytest.approx(np.eye(3), abs=1e-6)
    assert motion[:3, :3] == pytest.approx(GRID.tilt.T, abs=1e-6)
    assert np.linalg.det(motion[:3, :3]) > 0
    middle = [*((np.array(SETTINGS.shape) - 1) / 2), 1]
    assert (whole @ middle).tolist() == [0, 0, 0, 1]


@pytest.fixture
def asked(store, tmp_path, monkeypatch):
    """What `sample_run` asks of a run whose network draws the head, then half as bright; and its montage's volumes."""
    asked = {}
    drawn = store.statistics.normalise(torch.stack([store.raw("head"), store.raw("head") * 0.5]))
    run = SimpleNamespace(root=tmp_path, config=tmp_path)
    known = SimpleNamespace(
        store=store,
        codec=lambda vae: asked.update(vae=vae) or BlockCodec(),
        real=lambda count: asked.update(real=count) or store.split("train")[: asked["kept"]],
    )
    config = SimpleNamespace(
        unet="the run's net", meanflow=SimpleNamespace(tangent="v_head"), ema=SimpleNamespace(decay=0.9),
        vae=VaeConfig(), covariates=CovariatesConfig(),
    )  # fmt: skip
    checkpoint = SimpleNamespace(state={"config_hash": "same"}, path=tmp_path / "checkpoint", step=7)
    net = MeanFlowUnet.__new__(MeanFlowUnet)
    nn.Module.__init__(net)
    net.to = lambda device: asked.update(device=device) or net
    for name, value in {
        "open_run": lambda path: asked.update(opened=path) or (run, config),
        "named_checkpoint": lambda root, name: asked.update(searched=root, named=name) or checkpoint,
        "config_hash": lambda config: "same",
        "run_latents": lambda run, config: known,
        "build_net": lambda config, **more: asked.update(built=config, **more) or net,
        "load_average": lambda path, net: asked.update(weights=path),
        "load_weights": lambda path, net: asked.update(weights=("of the step", path)),
        "draw_latents": lambda *given, **more: asked.update(drawn=(given, more)) or drawn,
        "draw_montage": lambda path, groups, title: (asked.update(montage=groups, title=title), Path(path).touch()),
    }.items():
        where = sampling if hasattr(sampling, name) else sampling_net
        monkeypatch.setattr(where, name, value)
    asked.update(checkpoint=checkpoint, config=config, net=net, kept=None)
    return asked


def sampled(tmp_path, steps=1):
    return sample_run(
        tmp_path / "run", steps=steps, count=2, seed=5, out=tmp_path / "out", device=torch.device("cpu"),
        vae=tmp_path / "vae",
    )  # fmt: skip


@pytest.fixture
def written(asked, tmp_path):
    """Files of `sample_run`, and the montage's volumes."""
    return sampled(tmp_path), asked["montage"]


@pytest.mark.parametrize(
    ("steps", "words"), [(1, "1 network evaluation a sample"), (3, "3 network evaluations a sample")]
)
def test_samples_are_drawn_as_they_were_asked_for(store, asked, tmp_path, steps, words):
    """With the averaged weights of the run's newest checkpoint, its net, its autoencoder, and the numbers given."""
    files = sampled(tmp_path, steps)
    given, more = asked["drawn"]
    assert given == (asked["net"], asked["config"], store.latent_shape)
    assert more == {"steps": steps, "count": 2, "seed": 5, "device": torch.device("cpu"), "covariates_NK": None}
    assert asked["net"].velocity_head is None
    assert (asked["opened"], asked["searched"], asked["named"]) == (tmp_path / "run", tmp_path, None)
    assert (asked["weights"], asked["device"]) == (tmp_path / "checkpoint", torch.device("cpu"))
    assert (asked["built"], asked["seed"]) == (asked["config"], 0)
    assert (asked["vae"], asked["real"]) == (tmp_path / "vae", 2)
    assert (files.step, files.montage) == (7, tmp_path / "out" / "montage.png")
    assert asked["title"] == f"optimiser step 7, {words}"
    assert files.weights == "optimiser step 7"


def test_without_an_average_the_weights_of_the_step_are_drawn_with(asked, tmp_path):
    """A run whose ema.decay is null is sampled by its weights; montage and console say so."""
    asked["config"].ema.decay = None
    files = sampled(tmp_path)
    assert asked["weights"] == ("of the step", tmp_path / "checkpoint")
    assert files.weights == "optimiser step 7 (weights themselves, no average)"
    assert asked["title"].startswith(f"{files.weights}, 1 network")


def test_a_run_that_kept_no_real_latents_shows_what_it_generated_alone(asked, tmp_path):
    """Under its own name."""
    asked["kept"] = 0
    sampled(tmp_path)
    assert list(asked["montage"]) == ["generated"]


@pytest.mark.parametrize("state", [None, {"config_hash": "another"}])
def test_no_samples_come_from_weights_that_are_not_the_runs(asked, tmp_path, monkeypatch, state):
    """A run without a checkpoint, and one whose newest is of another configuration, draw nothing."""
    if state is None:
        monkeypatch.setattr(sampling, "named_checkpoint", named_checkpoint)
    else:
        asked["checkpoint"].state = state
    with pytest.raises(InputError, match=r"holds no whole checkpoint|made with another configuration") as refused:
        sampled(tmp_path)
    if state is None:
        assert refused.value.file == str(tmp_path / "checkpoints")
    assert "drawn" not in asked
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", LANDMARKS)
def test_a_written_sample_has_left_left_and_top_on_top(store, written, name):
    """A landmark lies as far from the head's middle, in millimetres R, A and S, as in the head that was scanned."""
    image = nibabel.load(written[0].volumes[0])
    middle = (affine_of(store) @ [*((np.array(SETTINGS.shape) - 1) / 2), 1])[:3]
    expected = GRID.tilt.T @ (scanned(name) - middle)
    assert nibabel.aff2axcodes(image.affine) == ("R", "A", "S")
    assert place_of(name, image.get_fdata(), image.affine, expected) == pytest.approx(expected, abs=2.0)


def test_a_written_sample_is_the_decoded_latent(store, written):
    """Voxel by voxel, on the store's grid, each sample in its own file in order; the montage shows the same."""
    files, montage = written
    assert [path.name for path in files.volumes] == ["sample-0000_T1w.nii.gz", "sample-0001_T1w.nii.gz"]
    for number, path in enumerate(files.volumes):
        image = nibabel.load(path)
        expected = BlockCodec().decode(store.raw("head")[None] * 0.5**number)[0, 0].clamp(0, 1).numpy()
        assert np.abs(image.get_fdata() - expected).max() < 1e-5
        assert np.array_equal(image.affine, np.array(store.description.affine))
        assert np.array_equal(montage["generated"][number], image.get_fdata(dtype=np.float32))
    (real,) = montage["real, decoded"]
    assert np.abs(real - montage["generated"][0]).max() < 1e-5
    assert list(montage) == ["real, decoded", "generated"]


def test_a_decoded_volume_is_clipped_to_its_range(store):
    """Values below 0 and above 1 become 0 and 1, in the order of the latents."""
    raw = torch.stack([store.raw("head") * 3 - 1, store.raw("head")])
    first, second = decode_with(BlockCodec(), store.statistics, store.statistics.normalise(raw))
    assert (first.min(), first.max()) == (0, 1)
    assert np.abs(first - np.clip(second * 3 - 1, 0, 1)).max() < 1e-5

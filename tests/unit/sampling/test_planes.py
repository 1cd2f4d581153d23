"""Slices of a volume that is nowhere symmetric: right plane, right middle, nothing mirrored, nothing exchanged."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from safetensors.torch import save_file

from neuromf.gate.smoke_latents import SmokeLatents
from neuromf.report.charts import slice_png
from neuromf.report.run_facts import read_runs
from neuromf.report.sample_slices import LATENT_RANGE, PIXELS, sample_strip
from neuromf.sampling import sampling
from neuromf.sampling.montage import PLANES, draw_montage, mid_slice
from neuromf.training.latents import frozen
from tests.support.reported_run import write_run
from tests.support.tiny_run import make_tiny_config

pytestmark = pytest.mark.law("OBS-002")

SHAPE = (10, 13, 16)
"""Cells to the right, to the front, up; no two alike, even and odd."""


def volume(shape=SHAPE, seed=0) -> np.ndarray:
    """A phantom in [0, 1] whose every voxel has another value."""
    return np.random.default_rng(seed).permutation(np.prod(shape)).reshape(shape) / (np.prod(shape) - 1)


def expected(found: np.ndarray, plane: str) -> np.ndarray:
    """What a reader of images sees: up is superior or anterior, rows from the top, columns from the left."""
    right, front, up = (size // 2 for size in found.shape)
    if plane == "sagittal":  # seen along the first axis: columns to the front
        return np.array([[found[right, a, s] for a in range(found.shape[1])] for s in reversed(range(found.shape[2]))])
    if plane == "coronal":  # along the second: columns to the right
        return np.array([[found[r, front, s] for r in range(found.shape[0])] for s in reversed(range(found.shape[2]))])
    return np.array([[found[r, a, up] for r in range(found.shape[0])] for a in reversed(range(found.shape[1]))])


@pytest.mark.parametrize("plane", ["sagittal", "coronal", "axial"])
def test_a_plane_is_cut_and_turned_as_its_name_says(plane):
    """Voxel by voxel."""
    found = volume()
    assert np.array_equal(mid_slice(found, PLANES.index(plane)), expected(found, plane))


def test_a_montage_names_each_row_by_its_group_and_plane(tmp_path, monkeypatch):
    """Every picture of both groups: a row a plane, a column a volume, in the order in which they were given."""
    kept: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path: kept.append(figure))
    groups = {"real": [volume(seed=1), volume(seed=2)], "made": [volume(seed=3), volume(seed=4)]}
    draw_montage(tmp_path / "m.png", groups, "a title")
    drawn = {}
    for axes in kept[0].axes:
        spec = axes.get_subplotspec()
        assert spec is not None
        (picture,) = axes.images
        assert (picture.get_clim(), picture.origin) == ((0, 1), "upper")
        drawn[spec.rowspan.start, spec.colspan.start] = (picture.get_array(), [text.get_text() for text in axes.texts])
    assert len(drawn) == 12
    for row, (name, plane) in enumerate((name, plane) for name in groups for plane in ("sagittal", "coronal", "axial")):
        assert drawn[row, 0][1] == [f"{name}\n{plane}"]
        for column, found in enumerate(groups[name]):
            assert np.array_equal(drawn[row, column][0], expected(found, plane))


LATENT = (4, 5, 7, 8)


def sampled(tmp_path, steps):
    """A run with one sample a step, each another one."""
    folder = write_run(tmp_path / "run", samples=())
    latents = {}
    (folder / "previews").mkdir()
    for place, step in enumerate(steps):
        values = torch.from_numpy(volume((2, *LATENT), seed=place)).float() * 8 - 4
        save_file({"latents": values}, folder / "previews" / f"step_{step:08d}.safetensors")
        latents[step] = values[0].numpy()
    (run,) = read_runs([folder])
    data = run.config.data.model_copy(update={"shape": tuple(4 * size for size in LATENT[1:])})
    object.__setattr__(run, "config", run.config.model_copy(update={"data": data}))
    return run, latents


def test_a_sample_is_shown_under_its_step_by_slices_of_its_channels(tmp_path):
    """From left to right, three standard deviations from grey to black and to white."""
    run, latents = sampled(tmp_path, (4, 9, 21))
    strip = sample_strip(run, decoded=False)
    assert [picture.step for picture in strip.slices] == [4, 9, 21]
    for picture in strip.slices:
        channels = [expected(channel, "axial") for channel in latents[picture.step]]
        shown = np.clip(np.concatenate(channels, axis=1) / (2 * LATENT_RANGE) + 0.5, 0, 1)
        assert picture.uri == slice_png(shown, PIXELS // shown.shape[1])


def test_a_decoded_sample_is_shown_under_its_step_by_its_axial_slice(tmp_path, monkeypatch):
    """The volume of the file's first latent, and of no other file."""
    run, latents = sampled(tmp_path, (4, 9))
    known = SimpleNamespace(codec=lambda vae: None, store=SimpleNamespace(statistics=None))
    monkeypatch.setattr(frozen, "run_latents", lambda *_: known)
    monkeypatch.setattr(
        sampling, "decode_with", lambda codec, statistics, stack: [(x[0] + 4).numpy() / 8 for x in stack]
    )
    strip = sample_strip(run)
    assert strip.decoded
    for picture, (step, latent) in zip(strip.slices, latents.items(), strict=True):
        image = expected((latent[0] + 4) / 8, "axial")
        assert (picture.step, picture.uri) == (step, slice_png(image, PIXELS // image.shape[1]))


def test_the_gate_shows_the_axial_slice_of_the_first_latent(tmp_path):
    """Of its first channel from black to white, where the user's codec would take long."""
    latents = torch.from_numpy(volume((3, *LATENT))).float() * 8 - 4
    chosen = SmokeLatents(make_tiny_config(), latents, latents, "mine", None, "mine.pt")
    first = latents[0, 0].numpy()
    scaled = (first - first.min()) / (first.max() - first.min())
    assert chosen.picture(latents) == pytest.approx(expected(scaled, "axial"))
    assert chosen.pictured == "first channel of the latent"

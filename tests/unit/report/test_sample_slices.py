"""The pictures of what a run drew while it trained."""

import base64
import io
import math

import numpy as np
import pytest
import torch
from matplotlib.image import imread
from safetensors.torch import save_file

from neuromf.report import sample_slices
from neuromf.report.run_facts import read_runs
from neuromf.report.sample_slices import MOST_FILES, sample_strip
from tests.support.reported_run import write_run


def test_a_damaged_sample_is_named_and_the_others_are_shown(tmp_path):
    """A torn file and one of another shape cost their own pictures alone."""
    folder = write_run(tmp_path / "run", samples=[4, 8, 16])
    (folder / "previews" / "step_00000004.safetensors").write_bytes(b"torn")
    save_file({"latents": torch.zeros(1, 4, 2, 2, 2)}, folder / "previews" / "step_00000016.safetensors")
    strip = sample_strip(read_runs([folder])[0], decoded=False)

    told = "Axial mid-slices of the 4 latent channels. Not readable: "
    assert strip.note == f"{told}step_00000004.safetensors, step_00000016.safetensors."
    assert [picture.step for picture in strip.slices] == [8]


def test_of_many_samples_the_first_the_last_and_some_between_are_shown(tmp_path):
    """At most eight pictures."""
    strip = sample_strip(read_runs([write_run(tmp_path / "run", samples=range(1, 30))])[0], decoded=False)

    assert len(strip.slices) == MOST_FILES
    assert (strip.slices[0].step, strip.slices[-1].step) == (1, 29)


GREY = 2 / 255
"""A picture has 256 greys."""


def pixels(uri):
    """The grey values of a picture, one of each block of pixels that shows a value."""
    return imread(io.BytesIO(base64.b64decode(uri.partition(",")[2])))[..., 0]


def shrunk(picture, shape):
    """A picture with each value once, and whether every value fills its block."""
    scale = picture.shape[0] // shape[0]
    small = picture[::scale, ::scale]
    return small, np.array_equal(np.kron(small, np.ones((scale, scale))), picture)


@pytest.mark.law("DATA-006")
def test_a_slice_of_channels_shows_each_cell_in_its_place(tmp_path):
    """Four axial mid-slices of the first latent side by side, front up, right to the right, -3 black and 3 white."""
    folder = write_run(tmp_path / "run", "data.shape=[24,32,40]", samples=[4])
    latents = torch.from_numpy(np.random.default_rng(1).uniform(-3.5, 3.5, (2, 4, 6, 8, 10)).astype(np.float32))
    latents[0, 2, 3, 5, 5] = math.nan
    save_file({"latents": latents}, folder / "previews" / "step_00000004.safetensors")
    (shown,) = sample_strip(read_runs([folder])[0], decoded=False).slices
    small, whole = shrunk(pixels(shown.uri), (8, 24))
    assert whole
    for row, column in np.ndindex(8, 24):
        value = float(latents[0, column // 6, column % 6, 7 - row, 5].nan_to_num())
        assert small[row, column] == pytest.approx(min(max(value / 6 + 0.5, 0), 1), abs=GREY)


@pytest.mark.law("DATA-006")
def test_a_decoded_slice_shows_each_voxel_in_its_place(tmp_path, monkeypatch):
    """The axial mid-slice of each step's own volume, front up, right to the right."""
    folder = write_run(tmp_path / "run", samples=[4, 8])
    volumes = np.random.default_rng(2).random((2, 6, 8, 10)).astype(np.float32)
    monkeypatch.setattr(sample_slices, "_decoded", lambda run, latents, *_: list(volumes[: len(latents)]))
    strip = sample_strip(read_runs([folder])[0])
    assert (strip.decoded, strip.note) == (True, "Axial mid-slices.")
    assert [shown.step for shown in strip.slices] == [4, 8]
    for shown, volume in zip(strip.slices, volumes, strict=True):
        small, whole = shrunk(pixels(shown.uri), (8, 6))
        assert whole
        for row, column in np.ndindex(8, 6):
            assert small[row, column] == pytest.approx(volume[column, 7 - row, 5], abs=GREY)


@pytest.mark.parametrize(("wide", "scale"), [(6, 32), (96, 2), (97, 1), (192, 1), (400, 1)])
def test_a_small_slice_is_drawn_with_larger_pixels(wide, scale):
    """At most 192 pixels across, and never less than one a value."""
    assert pixels(sample_slices._slice(1, np.zeros((3, wide))).uri).shape == (3 * scale, wide * scale)

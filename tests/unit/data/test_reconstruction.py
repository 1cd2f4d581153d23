"""What an autoencoder keeps of scans: measured as the literature defines it, by region, and judged by the gate."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from monai.metrics.regression import MultiScaleSSIMMetric, SSIMMetric
from neuromf_spec.registry import law
from typer.testing import CliRunner

from neuromf.cli.app import app
from neuromf.data.autoencoder_record import KeptQuality, keep, kept_of
from neuromf.data.cohort import discover_scans
from neuromf.data.preprocess import Preprocessing
from neuromf.data.reconstruction import Reconstruction, median_parts, reconstruct, resampled_alike, worst_first
from neuromf.data.regions import head_regions
from neuromf.data.similarity import Similarity, compare_parts, scales_of
from neuromf.gate import inputs
from neuromf.nets.vae import load_vae
from neuromf.nets.vae_architecture import VaeArchitecture, build_vae
from neuromf.nets.vae_checkpoint import save_vae
from neuromf.training.latents.store import preprocessing_of, scans_source
from tests.support.tiny_run import make_tiny_config

pytestmark = pytest.mark.law("DATA-008")
WHOLE = {"whole": np.ones((48, 44, 50), bool)}


def pair(seed=0, noise=0.1):
    """A smooth volume and the same with noise."""
    generator = torch.Generator().manual_seed(seed)
    volume = torch.rand((1, 1, 12, 11, 10), generator=generator)
    volume = torch.nn.functional.interpolate(volume, size=(48, 44, 50), mode="trilinear")
    other = (volume + noise * torch.randn(volume.shape, generator=generator)).clamp(0, 1)
    return other[0, 0].numpy(), volume[0, 0].numpy()


def test_over_the_whole_it_is_ssim_and_ms_ssim_as_monai_has_them():
    """With the weights of the scales that fit brought to a sum of 1."""
    restored, volume = pair()
    found = compare_parts(restored, volume, WHOLE)["whole"]
    one, other = (torch.from_numpy(array)[None, None] for array in (restored, volume))
    assert found.psnr == pytest.approx(-10 * math.log10(float(((one - other) ** 2).mean())), rel=1e-6)
    assert found.ssim == pytest.approx(float(SSIMMetric(3, win_size=11)(one, other)), abs=1e-5)
    weights = np.array([0.0448, 0.2856, 0.3001])
    assert scales_of(volume.shape) == 3
    theirs = MultiScaleSSIMMetric(3, kernel_size=11, kernel_sigma=1.5, weights=tuple(weights / weights.sum()))
    assert found.ms_ssim == pytest.approx(float(theirs(one, other)), abs=1e-5)


def test_equal_volumes_are_alike_without_bound():
    """No error has no finite ratio, and both similarities are 1."""
    _, volume = pair()
    found = compare_parts(volume, volume, WHOLE)["whole"]
    assert (found.psnr, found.ssim, found.ms_ssim) == (math.inf, pytest.approx(1), pytest.approx(1))


def test_a_fault_in_one_half_is_that_halfs():
    """Noise on the left lowers the numbers there; the right, a window apart, is equal, and narrower than a window."""
    restored, volume = pair()
    restored[24:] = volume[24:]
    left, right = (np.zeros(volume.shape, bool) for _ in range(2))
    left[:20], right[30:] = True, True
    found = compare_parts(restored, volume, {"left": left, "right": right, **WHOLE})
    assert found["right"].psnr == math.inf
    assert found["right"].ssim > 0.999
    assert found["left"].ssim < 0.9
    assert found["left"].psnr < found["whole"].psnr < found["right"].psnr
    assert math.isnan(found["right"].ms_ssim)


def test_a_volume_smaller_than_a_window_has_no_similarity():
    """PSNR is known still."""
    part = compare_parts(*(array[:8, :8, :8] for array in pair()), {"whole": np.ones((8, 8, 8), bool)})["whole"]
    assert math.isfinite(part.psnr)
    assert math.isnan(part.ssim)
    assert math.isnan(part.ms_ssim)


def test_a_restored_volume_that_is_no_number_has_no_quality():
    """NaN is handed on, never taken for the best."""
    restored, volume = pair()
    restored[20, 20, 20] = np.nan
    part = compare_parts(restored, volume, WHOLE)["whole"]
    assert [math.isnan(value) for value in (part.psnr, part.ssim, part.ms_ssim)] == [True] * 3


def test_regions_are_shells_by_depth_below_the_skin():
    """A ball of 45 mm: each voxel in one shell, by its distance to the surface, to a voxel's diagonal."""
    radius = np.linalg.norm(np.indices((64, 64, 64)) - 31.5, axis=0) * 2
    parts = head_regions((radius < 45).astype(np.float32), 2.0)
    shells = ["outer 10 mm", "10 to 30 mm", "below 30 mm", "background"]
    assert list(parts) == ["whole", "head", *shells]
    assert np.array_equal(sum(parts[name].astype(int) for name in shells), np.ones_like(radius))
    for name, near, far in (("outer 10 mm", 35, 45), ("10 to 30 mm", 15, 35), ("below 30 mm", 0, 15)):
        assert near - 3.5 <= radius[parts[name]].min() <= radius[parts[name]].max() <= far + 3.5


def test_holes_are_head_and_a_small_head_has_no_depth():
    """Ventricles are dark; a region without a voxel is left out."""
    data = np.zeros((20, 20, 20), np.float32)
    data[4:16, 4:16, 4:16] = 1
    data[9:11, 9:11, 9:11] = 0
    parts = head_regions(data, 1.0)
    assert parts["head"].sum() == 12**3
    assert list(parts) == ["whole", "head", "outer 10 mm", "background"]


def test_a_resampling_spends_as_many_numbers_as_it_may():
    """64 numbers for 4096: a mean of each block of 4, and nothing else."""
    volume = torch.rand((1, 1, 16, 16, 16), generator=torch.Generator().manual_seed(0))
    coarse = volume.reshape(1, 1, 4, 4, 4, 4, 4, 4).mean((3, 5, 7))
    expected = torch.nn.functional.interpolate(coarse, size=(16, 16, 16), mode="trilinear", align_corners=False)
    assert torch.allclose(resampled_alike(volume, 64), expected, atol=1e-6)


@pytest.mark.law("OBS-002")
def test_the_shipped_autoencoder_keeps_more_of_a_head_than_resampling(cohort):
    """What it was trained on passes the law by decibels."""
    wanted = Preprocessing(3.0, (64, 64, 64), (0.0, 99.5))
    (one,) = reconstruct(discover_scans(cohort)[:1], wanted, load_vae("demo"), torch.device("cpu"))
    assert one.scan_id == discover_scans(cohort)[0].scan_id
    assert one.psnr > one.resampled_psnr + 3
    assert law("DATA-008").predicate(scans=1, psnr=one.psnr, resampled_psnr=one.resampled_psnr).passed
    assert one.volume.shape == one.restored.shape == (64, 64, 64)


def made(name, psnr, resampled=20.0):
    part = Similarity(psnr, 0.9, math.nan)
    empty = np.zeros((1, 1, 1), np.float32)
    return Reconstruction(name, {"head": part, **({"deep": part} if psnr > 25 else {})}, resampled, empty, empty)


def test_medians_and_the_worst_are_those_of_the_scans():
    """A region is summed up over the scans that have it; one that is no number comes first, and is no median."""
    three = [made("a", 30.0), made("b", 10.0), made("c", 26.0)]
    assert {name: part.psnr for name, part in median_parts(three).items()} == {"head": 26.0, "deep": 28.0}
    assert [one.scan_id for one in worst_first([*three, made("d", math.nan)])] == ["d", "b", "c", "a"]
    assert KeptQuality.of(three) == KeptQuality(3, 26.0, 20.0)
    assert math.isnan(KeptQuality.of([*three, made("d", math.nan)]).psnr)


@pytest.mark.parametrize(("psnr", "passes"), [(20.1, True), (20.0, False), (19.9, False), (math.nan, False)])
def test_an_autoencoder_must_keep_more_than_a_resampling(psnr, passes):
    """As much is not enough, and NaN is not more."""
    finding = law("DATA-008").predicate(scans=3, psnr=psnr, resampled_psnr=20.0)
    assert finding.passed is passes
    assert not law("DATA-008").predicate(scans=0, psnr=30.0, resampled_psnr=20.0).passed


def test_what_was_measured_is_found_by_what_it_was_measured_of(tmp_path, monkeypatch):
    """Other scans, another preprocessing and another autoencoder have none; a damaged record is none."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path))
    one, other = (Preprocessing(3.0, (8, 8, 8), (0.0, 99.5), clip_above=clip) for clip in (True, False))
    keep(KeptQuality(4, 30.5, 21.25), "here", one, "f")
    assert kept_of("here", one, "f") == KeptQuality(4, 30.5, 21.25)
    assert [kept_of(*key) for key in (("there", one, "f"), ("here", other, "f"), ("here", one, "g"))] == [None] * 3
    (file,) = tmp_path.rglob("*.json")
    file.write_text('{"scans": 4}')
    assert kept_of("here", one, "f") is None


@pytest.mark.parametrize(("psnr", "status"), [(30.0, "pass"), (10.0, "warn"), (math.nan, "warn")])
def test_the_gate_warns_of_an_autoencoder_that_keeps_too_little(tmp_path, monkeypatch, psnr, status):
    """By the last `check-vae` of these scans; without one it says what would measure it."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path))
    monkeypatch.setattr(inputs, "examine_scans", lambda *_, **__: inputs.Examination(3, 3, ()))
    config = make_tiny_config("data.source=folder", f"data.root={tmp_path}")
    unmeasured = inputs.open_inputs(config, {}, ())
    assert [result.law_id for result in unmeasured.results] == ["DATA-004", "DATA-005"]
    assert inputs.UNMEASURED in unmeasured.notes
    keep(KeptQuality(3, psnr, 20.0), scans_source(config), preprocessing_of(config), load_vae("demo").fingerprint)
    found = inputs.open_inputs(config, {"vae.checkpoint": "a file"}, ())
    last = found.results[-1]
    assert (last.law_id, last.status, last.key) == ("DATA-008", status, "vae.checkpoint")
    assert inputs.UNMEASURED not in found.notes


def test_the_command_measures_draws_and_keeps(tmp_path, monkeypatch):
    """A table by region, the worst scans, a picture, and the gate's law broken by weights that nobody trained."""
    monkeypatch.setenv("NEUROMF_CACHE", str(tmp_path / "cache"))
    architecture = VaeArchitecture((4, 4, 4), (1, 1, 1), 2)
    save_vae(tmp_path / "vae.safetensors", build_vae(architecture), architecture, 1.0)
    settings = ["data.shape=[32,32,32]", "data.spacing_mm=6.0", f"vae.checkpoint={tmp_path / 'vae.safetensors'}"]
    config = make_tiny_config(*settings, "data.demo_subjects=3")
    command = ["data", "check-vae", "smoke", "--n", "2", "--out", str(tmp_path / "seen.png"), "--device", "cpu"]
    ended = CliRunner().invoke(app, [*command, *(word for one in settings for word in ("--set", one))])
    assert ended.exit_code == 0, ended.output
    for words in ("median of 2", "outer 10 mm", "sub-0001_T1w", "DATA-008 WARNING: is broken", "seen.png"):
        assert words in ended.output
    assert (tmp_path / "seen.png").read_bytes()[:4] == b"\x89PNG"
    fingerprint = load_vae(config.vae.checkpoint).fingerprint
    kept = kept_of(scans_source(config), preprocessing_of(config), fingerprint)
    assert kept is not None
    assert kept.scans == 2
    assert not kept.psnr > kept.resampled_psnr

"""Heads of the built-in cohort against their definition: where a point of the template goes, and how bright it is."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from neuromf.data import variation
from neuromf.data.template import BrainTemplate
from neuromf.data.variation import SubjectDraws, draw_subject, subject_generator, synthesise

pytestmark = pytest.mark.law("DATA-006")
SHAPE, CORNER = (20, 24, 18), np.array([-17.0, -31.0, -11.0])
STILL = SubjectDraws(**{field.name: 1.0 if "scale" in field.name else 0.0 for field in fields(SubjectDraws)})
"""A head that is the template."""


@pytest.fixture(scope="module")
def template():
    """Smooth, unlike along every axis, dark at its ends, at the template's 2 mm, its middle not at the origin."""
    affine = np.diag([2.0, 2, 2, 1])
    affine[:3, 3] = CORNER
    t1, grey, white = ndimage.gaussian_filter(np.random.default_rng(0).random((3, *SHAPE)), (0, 2, 2, 2)) + 0.2
    t1 = np.pad(t1[1:-1, 1:-1, 1:-1], 1)
    return BrainTemplate(*(part.astype(np.float32) for part in (t1, grey, white)), affine)


def field(generator, shape, voxel_mm, spacing_mm, amplitude, *, components):
    """In place of a random field: one that tells every argument, and draws as often as it is asked."""
    drawn = generator.standard_normal()
    ramp = np.indices(shape).sum(0) * voxel_mm / 100 + spacing_mm / 50 + drawn / 10
    return amplitude * np.stack([np.cos(ramp + number) for number in range(components)])


def by_definition(template, draws, seed):
    """The head, each point of the world asked for by itself."""
    generator = np.random.default_rng(seed)
    world = np.moveaxis(np.indices(SHAPE), 0, -1) * 2.0 + CORNER
    turn = Rotation.from_euler("xyz", [draws.pitch_degrees, draws.roll_degrees, draws.yaw_degrees], degrees=True)
    at = turn.inv().apply(world.reshape(-1, 3)).reshape(*SHAPE, 3)
    at = at / np.array([draws.scale_x, draws.scale_y, draws.scale_z])
    for spacing, share in ((40.0, 1.0), (15.0, 0.4)):
        at = at + np.moveaxis(field(generator, SHAPE, 2.0, spacing, share * draws.warp_mm, components=3), 0, -1)
    offset = at - np.array([0.0, -15.0, 12.0])
    nearness = np.exp(-(offset**2).sum(-1, keepdims=True) / (2 * 28.0**2))
    growth = draws.ventricle_expansion
    at = at - growth / (1 + abs(growth)) * nearness * offset
    bright = template.t1 * (1 + draws.grey_contrast * template.grey + draws.white_contrast * template.white)
    shown = ndimage.map_coordinates(bright, np.moveaxis((at - CORNER) / 2.0, -1, 0), order=1, mode="constant")
    gain = np.exp(field(generator, SHAPE, 2.0, 60.0, draws.bias_strength, components=1)[0])
    noise = draws.noise_sd * generator.standard_normal((2, *SHAPE), dtype=np.float32)
    measured = np.sqrt((shown * gain + noise[0]) ** 2 + noise[1] ** 2)
    return np.where(shown > 0.03, np.round(1000 * measured), 0), shown


CHANGES = {
    "scale_x": 1.06, "scale_y": 0.95, "scale_z": 1.04, "pitch_degrees": 5.0, "roll_degrees": -4.0, "yaw_degrees": 5.0,
    "warp_mm": 5.0, "ventricle_expansion": 0.55, "grey_contrast": 0.2, "white_contrast": -0.3, "bias_strength": 0.1,
    "noise_sd": 0.02,
}  # fmt: skip


@pytest.mark.parametrize("names", [(), *[(name,) for name in CHANGES], tuple(CHANGES)])
def test_a_head_is_what_its_draws_say(template, monkeypatch, names):
    """Each draw alone, all and none: every voxel is that of the definition, and each draw shows."""
    assert set(CHANGES) == {field.name for field in fields(SubjectDraws)}
    monkeypatch.setattr(variation, "smooth_field", field)
    draws = replace(STILL, **{name: CHANGES[name] for name in names})
    made = synthesise(template, draws, np.random.default_rng(3))
    expected, shown = by_definition(template, draws, 3)
    assert made.dtype == np.int16
    certain = np.abs(shown - 0.03) > 1e-4  # at its edge a brain ends a voxel earlier or later by rounding
    assert np.abs(made - expected)[certain].max() <= 1
    still = synthesise(template, STILL, np.random.default_rng(3))
    assert (np.abs(made.astype(int) - still).max() > 5) == bool(names)


def test_a_shrinking_ventricle_is_the_way_back(template, monkeypatch):
    """A negative expansion moves points towards the centre by the same formula."""
    monkeypatch.setattr(variation, "smooth_field", field)
    draws = replace(STILL, ventricle_expansion=-0.15)
    made, (expected, _) = synthesise(template, draws, np.random.default_rng(3)), by_definition(template, draws, 3)
    assert np.abs(made - expected).max() <= 1


def test_draws_have_the_distributions_that_are_told():
    """Mean, spread and bounds of each of the twelve, over 4,000 subjects; no two of them are one."""
    drawn = [draw_subject(subject_generator(11, index)) for index in range(4000)]
    spread = {"scale": (1, 0.028), "degrees": (0, 1.97), "warp_mm": (5.5, 3 / 12**0.5),
              "ventricle_expansion": (0.2, 0.7 / 12**0.5), "grey_contrast": (0, 0.05), "white_contrast": (0, 0.03),
              "bias_strength": (0.065, 0.07 / 12**0.5), "noise_sd": (0.0175, 0.015 / 12**0.5)}  # fmt: skip
    columns = {name: np.array([getattr(draw, name) for draw in drawn]) for name in CHANGES}
    for name, values in columns.items():
        mean, deviation = next(pair for key, pair in spread.items() if key in name)
        # Five standard errors of a mean; of a deviation one in fifty, for some are clipped.
        assert values.mean() == pytest.approx(mean, abs=5 * deviation / 4000**0.5), name
        assert values.std() == pytest.approx(deviation, rel=0.06), name
    assert {name: bool(np.abs(columns[name]).max() <= 5) for name in columns if "degrees" in name} == {
        "pitch_degrees": True, "roll_degrees": True, "yaw_degrees": True
    }  # fmt: skip
    assert max(np.abs(columns[f"scale_{axis}"] - 1).max() for axis in "xyz") == pytest.approx(0.06)
    alike = np.corrcoef(list(columns.values()))
    sizes = np.array(["scale" in name for name in columns])
    assert alike[np.ix_(sizes, sizes)][np.triu_indices(3, 1)] == pytest.approx(0.5, abs=0.08)  # one head, one size
    alike[np.ix_(sizes, sizes)] = 0
    np.fill_diagonal(alike, 0)
    assert np.abs(alike).max() < 0.08


def test_subjects_and_seeds_are_streams_of_their_own():
    """Seed 1 of subject 2 is not seed 2 of subject 1, and a subject's draws are its own each time."""
    firsts = {(seed, index): draw_subject(subject_generator(seed, index)) for seed in range(4) for index in range(4)}
    assert len({draws.noise_sd for draws in firsts.values()}) == 16
    assert firsts == {key: draw_subject(subject_generator(*key)) for key in firsts}

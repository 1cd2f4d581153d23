"""How one head differs from the template: the draws, and the volume they make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from neuromf.data.bspline import smooth_field
from neuromf.data.template import BrainTemplate

MAXIMUM_SCALING = 0.06
INTENSITY_UNIT = 1000.0  # stored value of template intensity 1
_COARSE_SPACING, _FINE_SPACING, _BIAS_SPACING = 40.0, 15.0, 60.0  # mm between control points
_FINE_SHARE = 0.4  # of the coarse warp: gyri differ less in place than lobes do
_VENTRICLE_CENTRE, _VENTRICLE_RADIUS = (0.0, -15.0, 12.0), 28.0  # mm, MNI


@dataclass(frozen=True)
class SubjectDraws:
    """What was drawn for one subject; every column of participants.tsv.

    Attributes:
        scale_x: head size relative to the template, left-right; `scale_y` and `scale_z` likewise.
        pitch_degrees: head rotation about the left-right axis; `roll_degrees`, `yaw_degrees` likewise.
        warp_mm: standard deviation of the coarse displacement of a control point.
        ventricle_expansion: relative growth of the region around the ventricles; negative shrinks.
        grey_contrast: relative change of grey-matter intensity; `white_contrast` likewise.
        bias_strength: standard deviation of the log bias field at a control point.
        noise_sd: noise per component, relative to template intensity 1.
    """

    scale_x: float
    scale_y: float
    scale_z: float
    pitch_degrees: float
    roll_degrees: float
    yaw_degrees: float
    warp_mm: float
    ventricle_expansion: float
    grey_contrast: float
    white_contrast: float
    bias_strength: float
    noise_sd: float


def subject_generator(seed: int, index: int) -> np.random.Generator:
    """Generator of subject `index`; a pure function of (seed, index), whatever the cohort's size."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, index])))


def draw_subject(generator: np.random.Generator) -> SubjectDraws:
    """Draw one subject's differences from the template; the generator moves on."""
    size = np.clip(generator.normal(0.0, 0.02) + generator.normal(0.0, 0.02, 3), -MAXIMUM_SCALING, MAXIMUM_SCALING)
    angles = np.clip(generator.normal(0.0, 2.0, 3), -5.0, 5.0)
    return SubjectDraws(
        scale_x=float(1 + size[0]),
        scale_y=float(1 + size[1]),
        scale_z=float(1 + size[2]),
        pitch_degrees=float(angles[0]),
        roll_degrees=float(angles[1]),
        yaw_degrees=float(angles[2]),
        warp_mm=float(generator.uniform(4.0, 7.0)),
        ventricle_expansion=float(generator.uniform(-0.15, 0.55)),
        grey_contrast=float(generator.normal(0.0, 0.05)),
        white_contrast=float(generator.normal(0.0, 0.03)),
        bias_strength=float(generator.uniform(0.03, 0.10)),
        noise_sd=float(generator.uniform(0.010, 0.025)),
    )


def synthesise(template: BrainTemplate, draws: SubjectDraws, generator: np.random.Generator) -> NDArray[np.int16]:
    """Make the subject's volume on the template's grid.

    Args:
        template: the anatomy that is deformed.
        draws: the subject's parameters.
        generator: source of the fields and the noise, as it stood after `draw_subject`.

    Returns:
        int16 (X, Y, Z), zero outside the brain.
    """
    contrast = 1.0 + draws.grey_contrast * template.grey + draws.white_contrast * template.white
    positions = _template_positions(template, draws, generator)
    warped = ndimage.map_coordinates(template.t1 * contrast, positions, order=1, mode="constant", output=np.float32)
    brain = warped > 0.03
    bias = np.exp(smooth_field(generator, warped.shape, 2.0, _BIAS_SPACING, draws.bias_strength, components=1)[0])
    noise = draws.noise_sd * generator.standard_normal((2, *warped.shape), dtype=np.float32)
    measured = np.hypot(warped * bias + noise[0], noise[1])  # Rician, as in a magnitude image
    return np.round(np.where(brain, INTENSITY_UNIT * measured, 0.0)).astype(np.int16)


def _template_positions(
    template: BrainTemplate, draws: SubjectDraws, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Template voxel index that each subject voxel shows, shape (3, X, Y, Z)."""
    shape = template.t1.shape
    spacing = float(template.affine[0, 0])
    axes = [template.affine[axis, 3] + spacing * np.arange(shape[axis]) for axis in range(3)]
    world = np.stack(np.meshgrid(*axes, indexing="ij"))
    world = np.tensordot(_inverse_global(draws), world, axes=1)
    world += smooth_field(generator, shape, spacing, _COARSE_SPACING, draws.warp_mm, components=3)
    world += smooth_field(generator, shape, spacing, _FINE_SPACING, _FINE_SHARE * draws.warp_mm, components=3)
    centre = np.asarray(_VENTRICLE_CENTRE)[:, None, None, None]
    offset = world - centre
    nearness = np.exp(-0.5 * np.sum(offset**2, axis=0) / _VENTRICLE_RADIUS**2)
    world -= (draws.ventricle_expansion / (1 + abs(draws.ventricle_expansion))) * nearness * offset
    return np.stack([(world[axis] - template.affine[axis, 3]) / spacing for axis in range(3)])


def _inverse_global(draws: SubjectDraws) -> NDArray[np.float64]:
    """Subject-to-template linear part: undo the rotation, then the scaling."""
    pitch, roll, yaw = np.deg2rad([draws.pitch_degrees, draws.roll_degrees, draws.yaw_degrees])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    about_y = np.array([[np.cos(roll), 0, np.sin(roll)], [0, 1, 0], [-np.sin(roll), 0, np.cos(roll)]])
    about_z = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    scaling = np.diag([1 / draws.scale_x, 1 / draws.scale_y, 1 / draws.scale_z])
    inverse: NDArray[np.float64] = scaling @ (about_z @ about_y @ about_x).T
    return inverse

"""From a scan as it was acquired to the grid and intensity range that the autoencoder reads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from neuromf.data.nifti import Volume
from neuromf.data.voxel_size import check_field_of_view, check_voxel_size
from neuromf.errors import InputError

if TYPE_CHECKING:
    from monai.data.meta_tensor import MetaTensor

_FWHM_PER_SIGMA = 2.3548
_FOREGROUND_PERCENTILES = (1.0, 99.0)  # of the foreground's coordinates: stray bright voxels do not move the centre


@dataclass(frozen=True)
class Preprocessing:
    """How every scan of a run is brought to one form.

    Attributes:
        spacing_mm: edge of the isotropic voxel.
        shape: voxels along R, A, S after centred crop or pad.
        intensity_percentiles: lower and upper percentile that become 0 and 1.
        clip_above: whether what is brighter than the upper percentile becomes 1. Otherwise it stays brighter, and the
            percentiles are those of the scan as it was acquired, before it is resampled, cut and padded: the transform
            that MAISI's autoencoder was trained with on MRI (Project-MONAI/tutorials@1c942f4,
            generation/maisi/scripts/transforms.py).
    """

    spacing_mm: float
    shape: tuple[int, int, int]
    intensity_percentiles: tuple[float, float]
    clip_above: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.spacing_mm < math.inf:
            raise InputError(f"the spacing is {self.spacing_mm} mm", remedy="give a positive length", key="spacing_mm")
        if len(self.shape) != 3 or not all(size >= 1 for size in self.shape):
            raise InputError(f"the shape is {self.shape}", remedy="give three positive voxel counts", key="shape")
        low, high = self.intensity_percentiles
        if not 0 <= low < high <= 100:
            raise InputError(
                f"the percentiles are {low} and {high}",
                remedy="let them rise within 0..100",
                key="intensity_percentiles",
            )


def preprocess(volume: Volume, settings: Preprocessing) -> Volume:
    """Orient to RAS, resample, centre on the foreground, scale to [0, 1].

    Args:
        volume: the scan, any orientation and voxel size.
        settings: the target grid and intensities.

    Returns:
        A volume of `settings.shape`, float32, in [0, 1] where it is clipped above, whose affine maps each anatomical
        point to where it was.

    Raises:
        InputError: if its voxels or its field of view are no scan's, or the two intensity percentiles coincide.
    """
    spacing_mm = settings.spacing_mm
    check_voxel_size(volume.affine)
    check_field_of_view(volume.affine, volume.data.shape, spacing_mm)
    # MONAI takes seconds to import; only those who preprocess should wait for it.
    from monai.data.meta_tensor import MetaTensor
    from monai.transforms.compose import Compose
    from monai.transforms.intensity.array import GaussianSmooth
    from monai.transforms.spatial.array import Orientation, Spacing

    resample = Compose(
        [
            GaussianSmooth(sigma=_anti_alias_sigmas(volume.affine, spacing_mm), approx="erf"),
            Orientation(axcodes="RAS", labels=None),
            Spacing(pixdim=spacing_mm, mode="bilinear", padding_mode="border", dtype=np.float32),
        ]
    )
    image = resample(MetaTensor(torch.from_numpy(volume.data)[None], affine=torch.from_numpy(volume.affine)))
    image = _centre(image, settings.shape)
    scaled, affine = _scale(image, volume.data, settings), np.asarray(image.affine, dtype=np.float64)
    return Volume(scaled, affine, volume.notes, volume.filled)


def _anti_alias_sigmas(affine: NDArray[np.float64], spacing_mm: float) -> list[float]:
    """Gaussian width in voxels along each axis that removes what the coarser grid cannot hold."""
    ratios = spacing_mm / np.linalg.norm(affine[:3, :3], axis=0)
    return [math.sqrt(max(float(ratio) ** 2 - 1.0, 0.0)) / _FWHM_PER_SIGMA for ratio in ratios]


def _centre(image: MetaTensor, shape: tuple[int, int, int]) -> MetaTensor:
    """Cut or pad with the darkest value so that the foreground's middle lies in the middle."""
    from monai.transforms.compose import Compose
    from monai.transforms.croppad.array import Pad, SpatialCrop

    low, high = np.percentile(_foreground(image), _FOREGROUND_PERCENTILES, axis=0)
    first = [math.floor(middle - size / 2 + 0.5) for middle, size in zip((low + high + 1) / 2, shape, strict=True)]
    before = [max(-start, 0) for start in first]
    after = [max(start + size - length, 0) for start, size, length in zip(first, shape, image.shape[1:], strict=True)]
    roi_start = [start + extra for start, extra in zip(first, before, strict=True)]
    roi_end = [start + size for start, size in zip(roi_start, shape, strict=True)]
    to_pad = [(0, 0), *zip(before, after, strict=True)]
    cut = Compose(
        [
            Pad(to_pad=to_pad, mode="constant", value=float(image.min())),  # type: ignore[arg-type]
            SpatialCrop(roi_start=roi_start, roi_end=roi_end),
        ]
    )
    centred: MetaTensor = cut(image)
    return centred


def _foreground(image: MetaTensor) -> NDArray[np.int64]:
    """Voxel indices brighter than the image's mean, shape (N, 3); N > 0 because the image is not constant."""
    data = image.numpy()[0]
    indices: NDArray[np.int64] = np.argwhere(data > data.mean(dtype=np.float64))
    return indices if len(indices) else np.argwhere(np.ones_like(data, dtype=bool))


def _scale(image: MetaTensor, acquired: NDArray[np.float32], settings: Preprocessing) -> NDArray[np.float32]:
    from monai.transforms.intensity.array import ScaleIntensityRange, ScaleIntensityRangePercentiles

    percentiles, clip = settings.intensity_percentiles, settings.clip_above
    low, high = np.percentile(image.numpy() if clip else acquired, percentiles)
    if not high > low:
        remedy = "widen intensity_percentiles or leave this scan out"
        raise InputError(f"percentiles {percentiles} of the scan are both {low:g}", remedy=remedy)
    if clip:
        scaled = ScaleIntensityRangePercentiles(*percentiles, b_min=0.0, b_max=1.0, clip=True)(image)
    else:
        scaled = ScaleIntensityRange(float(low), float(high), b_min=0.0, b_max=1.0, clip=False)(image)
    data: NDArray[np.float32] = np.ascontiguousarray(scaled, dtype=np.float32)[0]
    return data if clip else np.maximum(data, 0)  # MAISI's lower percentile is 0, below which nothing lies

"""What is kept of a decoded volume: features, spectrum, tissues, a small copy and three slices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from neuromf.evaluation.features.network import FeatureNetwork
from neuromf.evaluation.metrics.parallel import each
from neuromf.evaluation.metrics.spectrum import band_power
from neuromf.evaluation.metrics.tissue import tissue_maps, tissue_volumes
from neuromf.nets.vae import LatentCodec
from neuromf.sampling.montage import mid_slice

VERSION = 1
"""Of what is kept; another number makes kept descriptions be made anew."""
SMALL = 32
"""Voxels of the small copy's longest axis: MS-SSIM of two takes 15 ms, of two of 64 voxels 0.4 s."""
PLACES = (0.35, 0.5, 0.65)
"""Where along an axis slices are taken for the 2.5-D distance, as shares of its length."""

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Described:
    """What is kept of N volumes.

    Attributes:
        features_3d: (N, F).
        features_25d: (N, 3, P, F2) of slices: by plane and place.
        spectrum: (N, K) band powers.
        tissues: (N, 3) millilitres.
        small: (N, x, y, z) small copies in [0, 1].
        outside: (N,) share of voxels below 0 or above 1 by more than a tenth before they were clipped.
        sagittal: (N, S, A) middle slices; `coronal` (N, S, R) and `axial` (N, A, R) likewise.
    """

    features_3d: Array
    features_25d: Array
    spectrum: NDArray[np.float64]
    tissues: NDArray[np.float64]
    small: Array
    outside: NDArray[np.float64]
    sagittal: Array
    coronal: Array
    axial: Array

    def __len__(self) -> int:
        return len(self.features_3d)

    def rows(self, index: Sequence[int] | NDArray[np.int64]) -> Described:
        """Some of the volumes."""
        return Described(**{field.name: getattr(self, field.name)[index] for field in fields(self)})


@dataclass(frozen=True)
class Describer:
    """How volumes are described.

    Attributes:
        volumes: network for volumes.
        slices: network for slices.
        affine: voxel-to-millimetre map of the volumes.
    """

    volumes: FeatureNetwork
    slices: FeatureNetwork
    affine: tuple[tuple[float, ...], ...]

    @property
    def spacing_mm(self) -> float:
        """Edge of a voxel."""
        return float(np.linalg.norm(np.asarray(self.affine)[:3, 0]))

    def facts(self) -> dict[str, object]:
        """What decides a description besides the volume."""
        return {
            "version": VERSION,
            "volumes": self.volumes.fingerprint,
            "slices": self.slices.fingerprint,
            "affine": self.affine,
        }

    def describe(self, volume: Tensor) -> dict[str, NDArray[np.floating]]:
        """A decoded volume (X, Y, Z), not clipped yet; NaN everywhere where it is not finite."""
        outside = float(((volume < -0.1) | (volume > 1.1)).double().mean())
        image = torch.nan_to_num(volume.float()).clamp(0, 1).cpu()
        array = image.numpy()
        shape = (array.shape[0], array.shape[1], array.shape[2])
        found: dict[str, NDArray[np.floating]] = {
            "features_3d": self.volumes(image[None, None], self.spacing_mm)[0].numpy(),
            "features_25d": self._slices(image),
            "spectrum": band_power(array),
            "tissues": tissue_volumes(array, tissue_maps(shape, self.affine)),
            "small": functional.interpolate(image[None, None], _small(shape), mode="area")[0, 0].numpy(),
            "outside": np.array(outside),
        }
        planes = ("sagittal", "coronal", "axial")
        return found | {name: mid_slice(array, axis).astype(np.float32) for axis, name in enumerate(planes)}

    def _slices(self, image: Tensor) -> NDArray[np.float32]:
        planes = []
        for axis in range(3):
            places = [int(place * image.shape[axis]) for place in PLACES]
            stack = torch.stack([image.select(axis, place) for place in places])[:, None]
            planes.append(self.slices(stack, self.spacing_mm).numpy())
        return np.stack(planes)


def stacked(described: Iterable[dict[str, NDArray[np.floating]]]) -> Described:
    """Descriptions of single volumes as one."""
    rows = list(described)
    return Described(**{field.name: np.stack([row[field.name] for row in rows]) for field in fields(Described)})


def describe_latents(
    codec: LatentCodec, raw_NC: Tensor, describer: Describer, on_done: Callable[[], None] = lambda: None
) -> tuple[Described, NDArray[np.float32]]:
    """Decode latents and describe each volume; also their mean volume, clipped to [0, 1]."""

    def made(latent: Tensor) -> tuple[dict[str, NDArray[np.floating]], Tensor]:
        volume = codec.decode(latent[None])[0, 0]
        return describer.describe(volume), torch.nan_to_num(volume.float()).clamp(0, 1).cpu().double()

    rows, mean = [], None
    for row, clipped in each(made, raw_NC, cells=raw_NC[0, 0].numel(), device=codec.device):
        mean = clipped if mean is None else mean + clipped
        rows.append(row)
        on_done()
    assert mean is not None
    return stacked(rows), (mean / len(rows)).float().numpy()


def _small(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    scale = min(1.0, SMALL / max(shape))
    sizes = [max(1, round(size * scale)) for size in shape]
    return (sizes[0], sizes[1], sizes[2])

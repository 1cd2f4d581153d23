"""What an autoencoder keeps of scans: they are encoded, decoded and compared, and so is a plain resampling."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from neuromf.data.cohort import Scan
from neuromf.data.nifti import read_volume
from neuromf.data.preprocess import Preprocessing, preprocess
from neuromf.data.regions import HEAD, head_regions
from neuromf.data.similarity import Similarity, compare_parts, decibel

if TYPE_CHECKING:
    from neuromf.nets.vae import LatentCodec


@dataclass(frozen=True)
class Reconstruction:
    """One scan.

    Attributes:
        scan_id: of the scan; files of a cohort may all have one name.
        parts: similarity by region; see `head_regions`.
        resampled_psnr: PSNR over the head of the scan resampled to as many numbers as its latent has, and back.
        volume: the preprocessed scan (R, A, S), clipped to [0, 1].
        restored: the same encoded and decoded.
    """

    scan_id: str
    parts: dict[str, Similarity]
    resampled_psnr: float
    volume: NDArray[np.float32]
    restored: NDArray[np.float32]

    @property
    def psnr(self) -> float:
        """PSNR over the head, in dB."""
        return self.parts[HEAD].psnr


def reconstruct(
    scans: Sequence[Scan], preprocessing: Preprocessing, codec: LatentCodec, device: torch.device
) -> Iterator[Reconstruction]:
    """Encode, decode and compare scans one after another.

    Raises:
        InputError: a scan cannot be used, or does not fit the autoencoder.
    """
    codec = codec.to(device)
    for scan in scans:
        prepared = preprocess(read_volume(scan.path), preprocessing)
        made = torch.from_numpy(prepared.data)[None, None]
        latent = codec.encode(made.to(device))
        restored = codec.decode(latent).clamp(0, 1).cpu()[0, 0].numpy()
        volume = made[0, 0].clamp(0, 1).numpy()  # what lies above 1 is not shown, and its error would be the scale's
        regions = head_regions(volume, float(np.linalg.norm(prepared.affine[:3, 0])))
        squares = (resampled_alike(made.clamp(0, 1), latent.numel())[0, 0].numpy().astype(np.float64) - volume) ** 2
        coarse = decibel(float(squares[regions[HEAD]].mean()))
        yield Reconstruction(scan.scan_id, compare_parts(restored, volume, regions), coarse, volume, restored)


def resampled_alike(volume: Tensor, numbers: int) -> Tensor:
    """A volume (1, 1, D, H, W) averaged down to about as many voxels as a latent has numbers, and interpolated back.

    Who spends as many numbers and keeps no more than this has learned nothing of heads.
    """
    shrink = (numbers / volume.numel()) ** (1 / 3)
    depth, height, width = (max(1, round(size * shrink)) for size in volume.shape[2:])
    small = functional.adaptive_avg_pool3d(volume, (depth, height, width))
    return functional.interpolate(small, size=volume.shape[2:], mode="trilinear", align_corners=False)


def median_parts(made: Sequence[Reconstruction]) -> dict[str, Similarity]:
    """Median over scans, by region; of a region that some scan lacks, over those that have it."""
    names = list(dict.fromkeys(name for one in made for name in one.parts))
    found = {name: [one.parts[name] for one in made if name in one.parts] for name in names}
    return {
        name: Similarity(*(statistics.median(getattr(part, field) for part in parts)
                           for field in ("psnr", "ssim", "ms_ssim")))
        for name, parts in found.items()
    }  # fmt: skip


def worst_first(made: Sequence[Reconstruction]) -> list[Reconstruction]:
    """By PSNR over the head, the lowest first; one that is no number before all."""
    return sorted(made, key=lambda one: one.psnr if one.psnr == one.psnr else -np.inf)
